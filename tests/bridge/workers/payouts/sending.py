"""SHKeeper behind the scripted gateway, as far as payouts go, and payouts to be sent through it."""

from collections.abc import Awaitable
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

from bridge.journal import Journal
from bridge.workers.payouts.sender import PayoutSender
from coordinator.ids import derived_id
from coordinator.payouts.payouts import Payout
from providers.shkeeper.asking.api import ShkeeperApi
from providers.shkeeper.invoices.invoices import ShkeeperInvoices
from providers.shkeeper.payouts.payouts import ShkeeperPayouts
from tests.bridge.conftest import INSTALLATION
from tests.bridge.workers.conftest import START, paid
from tests.scripted_gateway import Answer, Gateway, Request, says

__all__ = ["FAILED", "UNKNOWN", "Books", "escrow", "name", "new_sender", "status", "wanted"]

CRYPTO = says({"status": "success", "crypto": ["ETH-USDT"]})
UNKNOWN = says({"error": "Payout not found"}, 404)
FAILED = says({"status": "error", "message": "oops"}, 500)


class Books:
    """SHKeeper's, as far as payouts go: what it answers to the question, and what it knows afterwards."""

    def __init__(self, gateway: Gateway) -> None:
        self.question: Answer = says({"task_id": "t1"})
        self.task: Answer = says({"status": "PENDING", "result": None})
        self.status: Answer = UNKNOWN
        self.harmless: Answer = FAILED
        """To what is about no payout, which is asked where something failed."""
        self._gateway = gateway
        gateway.answers(self._answer)

    def _answer(self, request: Request) -> bytes | Awaitable[bytes | None] | None:
        for part, answer in (
            ("/task/", self.task),
            ("/payout/status", self.status),
            ("/payout", self.question),
            ("/multipayout", self.question),
            ("/crypto", CRYPTO),
            ("/invoices/", self.harmless),
            ("/balance", self.harmless),
        ):
            if part in request.path:
                return answer(request)
        raise AssertionError(request.path)

    def knows(self, status: str, txid: str | None) -> None:
        def answer(request: Request) -> bytes | Awaitable[bytes | None] | None:
            [external_id] = parse_qs(urlsplit(request.path).query)["external_id"]
            return says({"id": 1, "external_id": external_id, "status": status, "txid": txid})(request)

        self.status = answer

    @property
    def questions(self) -> int:
        """How often it was asked to send money."""
        return sum(asked.startswith("POST ") for asked in self._gateway.asked)


def new_sender(journal: Journal, api: ShkeeperApi) -> PayoutSender:
    payouts = ShkeeperPayouts(
        api,
        user="admin",
        password="secret",
        callback_url="http://127.0.0.1:8000/",
        coins=ShkeeperInvoices(api).coins,
    )
    return PayoutSender(journal, {"shkeeper": payouts}, rules=None)


async def wanted(journal: Journal, number: int = 1, **changes: object) -> str:
    payment_id = await paid(journal, number)
    payout = Payout(
        payout_id=f"out_{number}",
        provider="shkeeper",
        payment_id=payment_id,
        seller_id="s1",
        destination="0xAb" if number == 1 else f"0x{number}",
        coin="ETH-USDT",
        amount=Decimal(98),
        worth=Decimal(98),
        created_at=START,
    ).model_copy(update=changes)
    await journal.payouts.register([payout], rules=None)
    return payout.payout_id


def name(number: int, ordinal: int = 0) -> str:
    """What payouts of a payment are asked for by."""
    return derived_id("out", INSTALLATION.key, "shkeeper", f"pay_{number}", "s1", ordinal)


async def status(journal: Journal, payout_id: str) -> str:
    [record] = await journal.payouts.records([payout_id])
    return record.payout.status


async def escrow(journal: Journal) -> str:
    record = await journal.payment_record("pay_1")
    assert record is not None
    return record.payment.escrow_state
