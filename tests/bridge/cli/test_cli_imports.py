"""What commands import: a start costs what is imported, so nothing comes in that is not used."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.asking import client_of
from tests.commands import COLD
from tests.waiting import wait_until

# The distributions of which a running bridge uses something, as it is set up by default. What only looks whether
# another is installed (litestar, pydantic) imports it too.
LIBRARIES = {
    "annotated_doc",
    "annotated_types",
    "anyio",
    "bidict",
    "click",  # uvicorn's own command line
    "dotenv",
    "engineio",
    "litestar",
    "msgspec",
    "multidict",
    "multipart",
    "prometheus_client",
    "propcache",
    "pydantic",
    "pydantic_core",
    "pydantic_settings",
    "shellingham",
    "sniffio",
    "socketio",
    "sqlalchemy",
    "typer",
    "typing_extensions",
    "typing_inspection",
    "uvicorn",
    "uvloop",
}
OF_PYTHON = {
    *sys.stdlib_module_names,
    "__main__",
    "__mp_main__",
    "_distutils_hack",
    "cython_runtime",
    "sitecustomize",
}
# Of the bridge's own: what is for other commands, for other settings, or for tests.
UNUSED = (
    "bridge.access.tokens",
    "bridge.cli.demo",
    "bridge.cli.doctor",
    "bridge.cli.listen",
    "bridge.cli.simulate",
    "bridge.client",
    "bridge.contract",
    "providers.onchain.follower",
    "providers.onchain.nodes.web3_library",
    "providers.shkeeper.asking.api",
    "providers.shkeeper.simulator",
)
PROGRAM = """
import atexit, json, sys
atexit.register(lambda: print("imported", json.dumps(sorted(sys.modules))))
from bridge.cli import main
sys.argv = ["bridge", *sys.argv[1:]]
main()
"""


def imported_by_serve(folder: Path, **variables: str) -> set[str]:
    """All that a bridge has imported that became ready, and was then told to end."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "serve", "--port", "0"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1", **variables},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        with client_of(url) as client:
            wait_until(lambda: client.get("/health/ready").status_code == 200)
        process.send_signal(signal.SIGTERM)
        printed = process.stdout.read()
    assert process.returncode == 0
    names: list[str] = json.loads(printed.rpartition("imported ")[2])
    return set(names)


def test_a_running_bridge_has_imported_only_what_it_uses(tmp_path: Path) -> None:
    modules = imported_by_serve(tmp_path)
    tops = {name.partition(".")[0] for name in modules}
    extensions = {name for name in tops if name.startswith(("_cython", "_sysconfigdata", "__editable__"))}
    assert tops - OF_PYTHON - extensions == LIBRARIES | {"bridge", "coordinator", "providers"}
    assert [name for name in sorted(modules) if name.startswith(UNUSED)] == []


def test_a_bridge_that_asks_for_tokens_and_asks_shkeeper_imports_what_these_need(tmp_path: Path) -> None:
    modules = imported_by_serve(
        tmp_path,
        BRIDGE_ACCESS="jwt",
        BRIDGE_JWT_SECRETS="a secret of at least thirty-two bytes",
        BRIDGE_SHKEEPER_API_KEYS="the-key-of-the-gateway",
        BRIDGE_SHKEEPER_URL="http://127.0.0.1:1",
    )
    assert {"bridge.access.tokens", "jwt", "providers.shkeeper.asking.api", "httpx"} <= modules
    assert {"alembic", "aiohttp", "requests", "web3"} & modules == set()


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_import_nothing_but_the_command_line(option: str) -> None:
    asked = subprocess.run(
        [sys.executable, "-X", "importtime", COLD, option], capture_output=True, text=True, check=True
    )
    lines = [line for line in asked.stderr.splitlines() if line.startswith("import time:")]
    modules = {line.rpartition("|")[2].strip() for line in lines}
    own = {"bridge", "bridge.cli", "bridge.cli.commands"}
    assert {name for name in modules if name.partition(".")[0] in ("bridge", "coordinator", "providers")} == own
    # `re` is what the script that pip writes imports.
    bare = subprocess.run([sys.executable, "-X", "importtime", "-c", "import re"], capture_output=True, text=True)
    assert {name for name in modules if name not in bare.stderr} <= own
