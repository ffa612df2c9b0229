"""A SHKeeper that opens every invoice and then says of it whatever a test wants: no coins move, and its sums need not
be those of anything."""

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.answering_server import answering

__all__ = ["LyingGateway", "listed", "lying_gateway"]

_NUMBERS = itertools.count(1)


def listed(amount: object, address: str, txid: str | None = None, **changes: Any) -> dict[str, Any]:
    """A transaction as it stands in its books."""
    hash_ = txid or f"0x{next(_NUMBERS):064x}"
    moved = {"txid": hash_, "addr": address, "amount": str(amount), "crypto": "ETH-USDT", "status": "CONFIRMED"}
    return moved | changes


@dataclass
class LyingGateway:
    """What it says, by the ids of its invoices."""

    url: str = ""
    invoices: dict[str, dict[str, Any]] = field(default_factory=dict)
    address: str | None = None
    """The one that it gives out to everybody, if a test wants so; an invoice that is opened again has its own."""
    addresses: dict[str, str] = field(default_factory=dict)
    of_new: dict[str, Any] = field(default_factory=dict)
    """What it tells otherwise of an invoice from its opening on, before anybody can have asked about it."""

    def tells(self, asked_for: str, /, *transactions: object, **changes: Any) -> None:
        """From now on it answers so when it is asked about an invoice over 100 USD."""
        standing = {"status": "PAID", "balance_fiat": "102", "fiat": "USD", "amount_fiat": "100"}
        told = {"external_id": asked_for, **standing, "txs": list(transactions), **changes}
        self.invoices[asked_for] = {name: value for name, value in told.items() if value is not ...}

    def answer(self, path: str, body: bytes) -> dict[str, Any]:
        coin, _, call = path.removeprefix("/api/v1/").partition("/")
        if coin == "crypto":
            return {"status": "success", "crypto": ["ETH-USDT"]}
        if coin == "invoices":
            return {"status": "success", "invoices": [self.invoices[call]] if call in self.invoices else []}
        asked = json.loads(body) if body else {}
        if call == "payment_request":
            name = asked["external_id"]
            wallet = self.addresses.setdefault(name, self.address or f"0x{next(_NUMBERS):08x}{'ab' * 16}")
            self.tells(name, **{"status": "UNPAID", "balance_fiat": "0"} | self.of_new)
            return {"status": "success", "amount": "102", "exchange_rate": "1", "wallet": wallet}
        return {"status": "error", "message": "there is no such thing"}


@contextmanager
def lying_gateway() -> Iterator[LyingGateway]:
    """Runs it in a thread of its own."""
    gateway = LyingGateway()
    with answering(lambda path, body: (200, gateway.answer(path, body))) as gateway.url:
        yield gateway
