"""Texts of a gateway's answers that no database, log or screen takes: the bridge says so to whoever asked, and goes
on, on either database."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.asking import client_of
from tests.conftest import BridgeProcess, StartBridge
from tests.lying_neighbour import Asked, LyingNeighbour, answer, lying_neighbour
from tests.made_destinations import destination
from tests.postgresql import journal_cluster
from tests.waiting import wait_until

KEY = "a-key-for-tests-only-0123456789"
ADDRESS = "0x8686868686868686868686868686868686868686"
OPENED = {"status": "success", "amount": "102", "exchange_rate": "1", "wallet": ADDRESS, "display_name": "USDT"}
EVIL = ("\x00", "\x1b[2J", "\u202e", "\ud800")
ORDER = {
    "provider": "shkeeper",
    "coin": "ETH-USDT",
    "buyerId": "b1",
    "sellerId": "s1",
    "amount": "100",
    "currency": "USD",
}


class Liar:
    """A gateway that opens invoices, and says of them what a test wants."""

    def __init__(self) -> None:
        self.opened: dict[str, Any] = {}
        self.invoice: dict[str, Any] = {}
        self.message: str | None = None
        self.paid: str | None = None
        """The one payment to which the money came; None for each that is asked about."""

    def __call__(self, asked: Asked) -> Iterator[bytes]:
        path = asked.path.removeprefix("/api/v1/")
        if path == "crypto":
            said: dict[str, Any] = {"status": "success", "crypto": ["ETH-USDT"]}
        elif self.message is not None:
            said = {"status": "error", "message": self.message}
        elif path.endswith("/payment_request"):
            said = OPENED | self.opened
        elif path.startswith("invoices/"):
            standing = {"status": "PAID", "balance_fiat": "102", "fiat": "USD", "amount_fiat": "100"}
            addr = self.opened.get("wallet", OPENED["wallet"])
            moved = {"txid": "0x1", "addr": addr, "amount": "102", "crypto": "ETH-USDT", "status": "CONFIRMED"}
            one = {"external_id": path.rpartition("/")[2], **standing, "txs": [moved | self.invoice]}
            is_paid = self.paid in (None, one["external_id"])
            said = {"status": "success", "invoices": [one] if self.invoice and is_paid else []}
        else:
            said = {"status": "success", "exchange_rate": "1", "amount_crypto": "1"}
        return answer(json.dumps(said).encode())(asked)


@pytest.fixture(scope="module")
def liar() -> Liar:
    return Liar()


@pytest.fixture(scope="module")
def gateway(liar: Liar) -> Iterator[LyingNeighbour]:
    with lying_neighbour(liar) as gateway:
        yield gateway


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def bridge(
    make_bridge: StartBridge, gateway: LyingNeighbour, request: pytest.FixtureRequest
) -> Iterator[BridgeProcess]:
    settings = {
        "BRIDGE_SHKEEPER_URL": gateway.url,
        "BRIDGE_SHKEEPER_API_KEYS": KEY,
        "BRIDGE_RECONCILE_INTERVAL_SECONDS": "0.1",
        "BRIDGE_RECONCILE_PER_SECOND": "1000",
    }
    if request.param == "sqlite":
        yield make_bridge(**settings)
        return
    with journal_cluster() as cluster:
        yield make_bridge(**settings, BRIDGE_DATABASE_URL=cluster.journal_url())


@pytest.fixture(autouse=True)
def _goes_on_without_a_traceback(bridge: BridgeProcess, liar: Liar) -> Iterator[None]:
    liar.__init__()  # type: ignore[misc]
    yield
    log = bridge.log.read_bytes().decode()
    assert "Traceback" not in log
    assert [line for line in log.split("\n") if not line.isprintable()] == []


def register(bridge: BridgeProcess, request_id: str) -> tuple[int, dict[str, Any]]:
    with client_of(bridge.url) as client:
        answered = client.post("/api/payments", json={**ORDER, "requestId": request_id})
    return answered.status_code, answered.json()


@pytest.mark.parametrize("field", ["wallet", "display_name"])
def test_an_opened_invoice_with_what_cannot_be_shown_is_no_error_of_the_bridge(
    bridge: BridgeProcess, liar: Liar, field: str
) -> None:
    for number, text in enumerate((*(f"0x8{evil}6" for evil in EVIL), "0" * 201, "0" * 1_001, "0" * 1_000_000)):
        liar.opened = {field: text}
        status, document = register(bridge, f"r-{field}-{number}")
        assert status in (201, 202, 502), document
        shown = json.dumps(document, ensure_ascii=False)
        assert len(shown) < 20_000
        assert shown.isprintable()
        assert not any(json.dumps(evil, ensure_ascii=False)[1:-1] in shown for evil in EVIL[:3])


def test_what_it_says_instead_is_shown_on_one_line(bridge: BridgeProcess, liar: Liar) -> None:
    for evil in EVIL:
        liar.message = f"no {evil} way\n2026-01-01 forged"
        status, document = register(bridge, "r-said")
        assert status in (202, 400, 502), document
        assert "\\n" not in json.dumps(document)


def asked_again(gateway: LyingNeighbour, payment_id: str) -> Callable[[], bool]:
    """Whether a payment was asked about twice from now on: the first time may have begun before."""
    before = len(gateway.asked)
    return lambda: sum(payment_id in one.path for one in gateway.asked[before:]) >= 2


@pytest.mark.parametrize("field", ["txid", "addr", "amount"])
def test_a_looked_up_transfer_with_what_cannot_be_kept_keeps_back_nothing(
    bridge: BridgeProcess, liar: Liar, gateway: LyingNeighbour, field: str
) -> None:
    liar.opened = {"wallet": destination("ETH-USDT", field)}  # at one address with others it would be theirs
    status, document = register(bridge, f"r-looked-up-{field}")
    assert status in (201, 202), document  # the coin is left alone for a while after so many answers
    payment_id = liar.paid = document["paymentId"]
    for text in (*(f"0x{evil}1" for evil in EVIL), "0" * 1_001):
        liar.invoice = {field: text}
        wait_until(asked_again(gateway, payment_id))
    liar.invoice = {"txid": f"0x{field}"}

    def is_known() -> bool:
        with client_of(bridge.url) as client:
            transfers = client.get(f"/api/payments/{payment_id}").json()["transfers"]
        return any(one["txHash"] == f"0x{field}" for one in transfers)

    wait_until(is_known)
