"""docs/first-hour.md to the letter, but for ports: the page of one's own says when it is paid, and TLS in front of a
bridge and its backup are made by the commands that stand there."""

import os
import re
import subprocess
from contextlib import ExitStack
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import expect

from benchmarks.servers import free_port
from tests.commands import run_command
from tests.conftest import StartBridge
from tests.documented import PAGES, ask, blocks_of, chapters_of, commands_of
from tests.pages.browsing import Browsing
from tests.pages.test_build import NODE_MODULES
from tests.played_shkeeper import PlayedShkeeper
from tests.proxies import running_caddy
from tests.system.conftest import GATEWAY_KEY
from tests.system.shkeeper.conftest import settings_for

PAGE = "first-hour.md"
OWN_PAGE, TLS, LAST = "A page of your own", "A deployment with TLS", "A backup, and an alert"
ROOT = Path(__file__).parents[2]
BRIDGE = "http://127.0.0.1:8000"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Says nothing of each request."""


def parts(chapter: str) -> list[str]:
    """The commands of a chapter, those without a blank line between them together."""
    return [f"{part.rstrip()}\n" for block in blocks_of(PAGE, chapter) for part in block.text.split("\n\n")]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder in which socket.io-client is installed as npm would."""
    modules = tmp_path / "node_modules"
    modules.mkdir()
    (modules / "socket.io-client").symlink_to(NODE_MODULES / "socket.io-client")
    return tmp_path


def test_a_page_of_ones_own_says_that_it_is_paid(
    make_bridge: StartBridge, shkeeper: PlayedShkeeper, browsing: Browsing, shop: Path
) -> None:
    [html] = [block.text for block in blocks_of(PAGE, OWN_PAGE) if block.language == "html"]
    assert html.count(BRIDGE) == 1
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=shop)) as server, ExitStack() as left:
        Thread(target=server.serve_forever, daemon=True).start()
        left.callback(server.shutdown)
        origin = f"http://localhost:{server.server_port}"
        bridge = make_bridge(**settings_for(shkeeper), FRONTEND_URL=origin)
        (shop / "index.html").write_text(html.replace(BRIDGE, bridge.url))
        (shop / "favicon.ico").touch()
        page = browsing.page()
        page.goto(origin)
        expect(page.get_by_text("listening", exact=True)).to_be_visible()
        [sell] = commands_of(PAGE, OWN_PAGE, "curl")
        answer = ask(sell, {BRIDGE: bridge.url})
        assert answer.status_code == 201, answer.text
        [pay] = commands_of(PAGE, OWN_PAGE, ".venv/bin/bridge")
        words = pay.replace("ADDRESS", answer.json()["invoices"][0]["address"]).split()[1:]
        done = run_command(*words, "--shkeeper", shkeeper.url, cwd=shop, env={"PATH": "/usr/bin:/bin"})
        assert done.returncode == 0, done
        expect(page.get_by_text("completed", exact=True)).to_be_visible()


def test_a_bridge_behind_tls_and_its_backup_are_made_by_the_commands(
    make_bridge: StartBridge, tmp_path: Path
) -> None:
    _, secrets, proxy, _ = parts(TLS)
    made = "".join(line for line in secrets.splitlines(keepends=True) if not line.startswith("deployed/"))
    said = subprocess.run(
        ["sh", "-e"],
        input=made + "env | grep ^BRIDGE_",
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    settings = dict(line.split("=", 1) for line in said.stdout.splitlines())
    assert settings.keys() == {"BRIDGE_SECRETS_DIR", "BRIDGE_ACCESS", "BRIDGE_PUBLIC_URL", "BRIDGE_METRICS_PORT"}
    (Path(settings["BRIDGE_SECRETS_DIR"]) / "BRIDGE_SHKEEPER_API_KEYS").write_text(GATEWAY_KEY)
    bridge = make_bridge(**settings | {"BRIDGE_METRICS_PORT": str(free_port())})
    (tmp_path / "deploy").symlink_to(ROOT / "deploy")
    port = free_port()
    *commands, run = proxy.replace("8443", str(port)).splitlines()
    assert run == "caddy run --config Caddyfile"
    subprocess.run(["sh", "-e"], input="\n".join(commands), cwd=tmp_path, text=True, check=True, capture_output=True)
    configuration = (tmp_path / "Caddyfile").read_text().replace("127.0.0.1:8000", f"127.0.0.1:{bridge.port}")
    configuration = configuration.replace("auto_https", "admin off\n\tauto_https")
    (tmp_path / "caddy").mkdir()
    [look] = commands_of(PAGE, TLS, "curl")
    with running_caddy(tmp_path / "caddy", configuration, port):
        asked = subprocess.run(
            look.replace("8443", str(port)).split(), cwd=tmp_path, stdout=subprocess.PIPE, text=True, check=True
        )
        assert asked.stdout.split()[1] == "200"
    [backup] = commands_of(PAGE, LAST, "deployed/bin/bridge")
    done = run_command(
        *backup.split()[1:],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "BRIDGE_DATABASE_URL": f"sqlite:///{bridge.database}"},
    )
    assert done.returncode == 0, done
    assert (tmp_path / "first-hour.db").exists()


def test_what_else_it_tells_to_run_is_there() -> None:
    """The wheel is built and installed by `test_build.py`, and Prometheus runs in `test_prometheus.py`."""
    wheel, *_ = parts(TLS)
    assert "make wheel" in wheel
    assert "--require-hashes --requirement var/wheel/requirements.lock" in wheel
    [watch] = commands_of(PAGE, LAST, "prometheus")
    [configured] = re.findall(r"--config.file=(\S+)", watch)
    assert (ROOT / configured).exists()
    assert "BRIDGE_METRICS_PORT=9464" in chapters_of(PAGE)[TLS]
    assert "127.0.0.1:9464" in (ROOT / configured).read_text()
    assert not re.search(r"[A-Z]{6,} \|$", PAGES[PAGE].read_text(), re.MULTILINE), "a time is missing"
