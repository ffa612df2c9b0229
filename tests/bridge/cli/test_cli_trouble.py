"""The command line when its surroundings are not as they should be: odd keys, URLs, terminals and servers."""

import importlib
import io
import json
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from rich.console import Console

from bridge.cli.address import AddressError, open_listener
from bridge.cli.console import on_one_line
from tests.asking import get
from tests.bridge.cli.listeners import listening, said
from tests.waiting import GIVE_UP_SECONDS

KEY = "a-key-for-tests-only-0123456789"


@pytest.fixture(scope="module")
def bridge(make_bridge: Any) -> Any:
    return make_bridge(BRIDGE_SHKEEPER_API_KEYS=KEY)


def simulate(run: Any, url: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Plays one webhook, unless the options say otherwise."""
    command = ["simulate", "shkeeper", "--url", url, "--pause", "0", "--scenario", "paid", *options]
    result: subprocess.CompletedProcess[str] = run(*command, BRIDGE_SHKEEPER_API_KEYS=KEY)
    return result


def assert_explained(result: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    assert result.returncode == code, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in result.stderr


# simulate


@pytest.mark.parametrize("key", ["two-secrets\nin-one-argument", "sécrets", "secrets\x01"])
def test_a_key_that_no_header_can_carry_is_refused_and_not_printed(run: Any, bridge: Any, key: str) -> None:
    refused = simulate(run, bridge.url, "--key", key)
    assert_explained(refused, 1, "one line of plain ASCII")
    assert "crets" not in refused.stdout + refused.stderr


@pytest.mark.parametrize("command", [["simulate", "shkeeper", "--key", KEY], ["listen"]])
@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1", "http://[::1", "http://127.0.0.1:abc", "http://", "127.0.0.1:8000"]
)
def test_a_url_that_is_none_is_wrong_usage(run: Any, command: Sequence[str], url: str) -> None:
    assert_explained(run(*command, "--url", url), 2, "--url", "http://127.0.0.1:8000")


def test_simulate_says_when_something_else_answers(run: Any) -> None:
    class Page(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<h1>Another program</h1>")

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            assert_explained(
                simulate(run, f"http://127.0.0.1:{server.server_port}"), 1, "not as a bridge does", "--url"
            )
        finally:
            server.shutdown()
            thread.join()


def test_simulate_invents_new_ids_each_time(run: Any, bridge: Any) -> None:
    ids = [
        re.findall(r"\b(?:order|request|buyer|seller)-[0-9a-f]{6}\b", simulate(run, bridge.url).stdout) for _ in "ab"
    ]
    assert [len(found) for found in ids] == [4, 4]
    assert not set(ids[0]) & set(ids[1])


def test_simulate_without_registration_shows_the_payment_if_there_is_one(run: Any, bridge: Any) -> None:
    unknown = simulate(run, bridge.url, "--no-register", "--external-id", "unregistered")
    assert unknown.returncode == 0
    assert "No payment is registered for unregistered" in unknown.stdout
    assert simulate(run, bridge.url, "--external-id", "registered", "--scenario", "partial").returncode == 0
    known = simulate(run, bridge.url, "--no-register", "--external-id", "registered", "--scenario", "overpaid")
    assert known.returncode == 0
    assert "is registered as" not in known.stdout
    assert "Its status is completed" in known.stdout


# listen


def test_listen_joins_again_after_the_bridge_restarted(run: Any, make_bridge: Any) -> None:
    bridge = make_bridge(BRIDGE_SHKEEPER_API_KEYS=KEY)
    with listening(bridge.url, "--json", "--user", "seller-7", "--count", "2") as listener:
        assert listener.stdout is not None
        for end in (bridge.stop, bridge.kill):
            end()
            assert said(listener) == "disconnected; trying again\n"
            bridge.start()
            assert said(listener).startswith("connected again, listening to ")
        assert simulate(run, bridge.url, "--seller-id", "seller-7", "--scenario", "bad-signature").returncode == 0
        assert json.loads(listener.stdout.readline())["event"] == "payment-created"
        assert simulate(run, bridge.url, "--seller-id", "seller-7", "--scenario", "unconfirmed").returncode == 0
        assert json.loads(listener.stdout.readline())["event"] == "payment-created"
        assert listener.wait(GIVE_UP_SECONDS) == 0


def test_listen_ends_with_0_when_it_is_interrupted(bridge: Any) -> None:
    with listening(bridge.url) as listener:
        listener.send_signal(signal.SIGINT)
        assert listener.wait(GIVE_UP_SECONDS) == 0
        assert listener.stderr is not None
        assert "Traceback" not in listener.stderr.read()


@pytest.mark.parametrize("options", [["--json"], []])
def test_listen_ends_when_nobody_reads_on(run: Any, bridge: Any, options: list[str]) -> None:
    with listening(bridge.url, *options) as listener:
        assert listener.stdout is not None
        listener.stdout.close()
        assert simulate(run, bridge.url).returncode == 0
        assert listener.wait(GIVE_UP_SECONDS) == 1


def test_listen_takes_an_id_that_looks_like_markup(bridge: Any, run: Any) -> None:
    heard = run("listen", "--url", bridge.url, "--user", "[/bold]", "--for", "0.2")
    assert heard.returncode == 0
    assert "user-[/bold]" in heard.stderr


def test_an_event_fits_into_a_hundred_columns_and_cannot_steer_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("bridge.cli.listen")  # `bridge.cli.listen` names the command
    screen = io.StringIO()
    monkeypatch.setattr(module, "output", Console(file=screen, force_terminal=True, color_system=None, width=100))
    payload = {"offerId": "\x1b[2J", "words": "one\ntwo", **{f"field{n}": f"0x{n:064x}" for n in range(9)}}
    module._show("seller-offer-update", payload, as_json=False)
    lines = screen.getvalue().splitlines()
    assert len(lines) > 1
    assert max(map(len, lines)) <= 100
    assert "\\x1b[2J" in screen.getvalue()
    assert "\x1b[2J" not in screen.getvalue()


def test_control_characters_are_written_out() -> None:
    assert on_one_line("é ✓ \x1b[31m\n\u202e") == "é ✓ \\x1b[31m\\n\\u202e"


# doctor and serve


def test_marks_are_words_where_the_terminal_knows_no_others(run: Any) -> None:
    examined = run("doctor", BRIDGE_SHKEEPER_API_KEYS=KEY, BRIDGE_PORT="0", PYTHONIOENCODING="ascii")
    assert examined.returncode == 0, examined.stderr
    assert examined.stdout.startswith("ok every setting")


def test_doctor_asks_its_own_machine_through_no_proxy(run: Any, bridge: Any) -> None:
    examined = run(
        "doctor", BRIDGE_PORT=str(bridge.port), HTTP_PROXY="http://127.0.0.1:9", http_proxy="http://127.0.0.1:9"
    )
    assert "it is ready" in examined.stdout


@pytest.mark.parametrize(
    ("origin", "is_warned"),
    [
        ("http://localhost:3000", False),
        ("http://127.0.0.2", False),
        ("http://[::1]:3000", False),
        ("https://shop.example", False),
        ("http://localhost.shop.example", True),
        ("http://127.shop.example", True),
    ],
)
def test_doctor_knows_which_origins_are_this_machine(run: Any, origin: str, is_warned: bool) -> None:
    examined = run("doctor", BRIDGE_PORT="0", FRONTEND_URL=origin)
    assert ("not encrypted" in examined.stdout) == is_warned


def test_a_host_without_an_address_is_named_as_the_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "create_server", fail)
    with pytest.raises(AddressError, match=r"Name or service not known; set BRIDGE_HOST"):
        open_listener("nowhere", 8000)


def test_serve_ends_with_0_on_either_signal_and_says_401_without_a_key(make_bridge: Any) -> None:
    bridge = make_bridge()
    assert "every webhook will be answered 401" in bridge.log.read_text()
    assert get(f"{bridge.url}/health/live").status_code == 200
    for number in (signal.SIGINT, signal.SIGTERM):
        bridge.process.send_signal(number)
        assert bridge.process.wait(GIVE_UP_SECONDS) == 0
        bridge.start()
    assert "Traceback" not in bridge.log.read_text()
