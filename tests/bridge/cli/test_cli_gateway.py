"""What `bridge doctor` says of the SHKeeper that the bridge asks for invoices and payouts."""

import asyncio
import http.server
import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.journal import Journal
from tests.bridge.workers.conftest import START, payment, told_paid
from tests.clock import Clock

GOOD_KEY, GOOD_PASSWORD = "a-key-of-sufficient-length", "the-operators-password"


class Gateway(http.server.BaseHTTPRequestHandler):
    def answer(self) -> dict[str, object] | None:
        password = b64encode(f"admin:{GOOD_PASSWORD}".encode()).decode()
        match self.path.removeprefix("/api/v1/").partition("/")[0]:
            case "crypto":
                return {"status": "success", "crypto": ["BTC", "ETH-USDT"]}
            case "invoices" if self.headers["X-Shkeeper-Api-Key"] == GOOD_KEY:
                return {"status": "success", "invoices": []}
            case "invoices":
                return {"status": "error", "message": "Bad API key"}
            case "BTC" if self.headers["Authorization"] == f"Basic {password}":
                return {"status": "PENDING", "result": None}
            case "BTC":
                return {"status": "error", "message": "Bad HTTP Basic Auth credentials"}
        return None

    def do_GET(self) -> None:
        answer = self.answer()
        body = json.dumps(answer).encode()
        self.send_response(404 if answer is None else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def shkeeper() -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), Gateway) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
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


@pytest.mark.parametrize(("entry", "warned"), [('registers = ["payouts"]', True), ('approves = ["payouts"]', False)])
def test_doctor_says_where_nobody_may_approve_payouts(
    run: Any, shkeeper: str, tmp_path: Path, entry: str, warned: bool
) -> None:
    services = tmp_path / "services.toml"
    services.write_text(f'[shop]\ntoken = "the-token-of-the-shop"\n{entry}\n')
    services.chmod(0o600)
    examined = run(
        "doctor",
        BRIDGE_SHKEEPER_API_KEYS=GOOD_KEY,
        BRIDGE_SHKEEPER_URL=shkeeper,
        BRIDGE_SHKEEPER_USER="admin",
        BRIDGE_SHKEEPER_PASSWORD=GOOD_PASSWORD,
        BRIDGE_SERVICES_FILE=str(services),
        BRIDGE_PORT="0",
    )
    assert ('approves = ["payouts"]' in " ".join(examined.stdout.split())) == warned


@pytest.mark.parametrize(
    ("key", "password", "said"),
    [
        ("another-key-of-good-length", GOOD_PASSWORD, ["does not accept the key"]),
        (GOOD_KEY, "a-wrong-password", ["does not accept the operator's user and password"]),
        ("another-key-of-good-length", "a-wrong-password", ["does not accept the key", "user and password"]),
        (f"another-key-of-good-length,{GOOD_KEY}", GOOD_PASSWORD, []),
    ],
)
def test_doctor_says_which_of_key_and_password_is_wrong(
    run: Any, shkeeper: str, key: str, password: str, said: list[str]
) -> None:
    examined = run(
        "doctor",
        BRIDGE_SHKEEPER_API_KEYS=key,
        BRIDGE_SHKEEPER_URL=shkeeper,
        BRIDGE_SHKEEPER_USER="admin",
        BRIDGE_SHKEEPER_PASSWORD=password,
        BRIDGE_PORT="0",
    )
    assert examined.returncode == (1 if said else 0)
    printed = " ".join(examined.stdout.split())
    assert [fault in printed for fault in said] == [True] * len(said)
    assert printed.count("does not accept") == len(said)
    assert not any(secret in printed for secret in (*key.split(","), password))


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


def test_doctor_says_that_shkeepers_dates_are_not_in_utc(run: Any, tmp_path: Path) -> None:
    database_url = f"sqlite:///{tmp_path / 'dated.db'}"

    async def tell() -> None:
        clock = Clock(START)
        journal = await Journal.open(database_url, clock)
        for number in range(4):
            clock.move(seconds=600)
            await journal.register_payment(payment(number))
            date = clock() - timedelta(hours=5)
            await told_paid(journal, number, transfer_id=f"0x{number}", occurred_at=date)
        await journal.close()

    asyncio.run(tell())
    examined = run("doctor", BRIDGE_DATABASE_URL=database_url, BRIDGE_SHKEEPER_API_KEYS=GOOD_KEY, BRIDGE_PORT="0")
    assert "shkeeper does not write its dates in UTC" in examined.stdout
    assert "Set the time zone of shkeeper and of its database to UTC" in examined.stdout
