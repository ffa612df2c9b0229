"""What `bridge doctor` says of the SHKeeper that the bridge asks for invoices and payouts."""

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest


class Gateway(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps({"status": "success", "crypto": ["BTC", "ETH-USDT"]}).encode()
        self.send_response(200 if self.path == "/api/v1/crypto" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def shkeeper() -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), Gateway) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_doctor_asks_shkeeper_what_it_offers(run: Any, shkeeper: str) -> None:
    examined = run(
        "doctor",
        BRIDGE_SHKEEPER_API_KEYS="a-key-of-sufficient-length",
        BRIDGE_SHKEEPER_URL=shkeeper,
        BRIDGE_SHKEEPER_USER="admin",
        BRIDGE_SHKEEPER_PASSWORD="the-operators-password",
        BRIDGE_PORT="0",
    )
    assert examined.returncode == 0, examined.stdout
    assert "offers BTC, ETH-USDT" in examined.stdout
    assert "payouts are sent in the name of admin" in examined.stdout
    assert "/webhooks/shkeeper" in examined.stdout
    assert "the-operators-password" not in examined.stdout


def test_doctor_says_what_is_wrong_with_shkeeper(run: Any) -> None:
    examined = run(
        "doctor",
        BRIDGE_SHKEEPER_API_KEYS="a-key-of-sufficient-length",
        BRIDGE_SHKEEPER_URL="http://127.0.0.1:1",
        BRIDGE_SHKEEPER_USER="admin",
        BRIDGE_PORT="0",
    )
    assert examined.returncode == 1
    assert "no SHKeeper answers on http://127.0.0.1:1" in examined.stdout
    assert "BRIDGE_SHKEEPER_PASSWORD" in examined.stdout


@pytest.mark.parametrize(
    "url", ["shkeeper.example", "ftp://shkeeper.example", "https://user:secret@shkeeper.example", "http://h:0"]
)
def test_an_address_of_shkeeper_that_is_none_stops_the_start(run: Any, url: str) -> None:
    examined = run("doctor", BRIDGE_SHKEEPER_URL=url)
    assert examined.returncode == 1
    assert "shkeeper_url: expected an address" in examined.stdout
    assert "secret" not in examined.stdout
