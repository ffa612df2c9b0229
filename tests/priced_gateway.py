"""A SHKeeper that prices coins as a test has it: its addresses, its rates, and how long they hold."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.answering_server import answering
from tests.made_destinations import destination, lengthened, lightning

__all__ = ["LAPSED", "PricedGateway", "priced_gateway"]

LAPSED = lightning(lengthened(b"lapsed"), made_at=1496311118)
"""An invoice of whatever amount, made in 2017, and good for an hour."""
UNKNOWN = {"status": "error", "message": "not here"}


@dataclass
class PricedGateway:
    """What it answers, which a test may change at any time, and the coins it was asked to be paid in."""

    prices: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    url: str = ""
    is_down: bool = False
    says_its_coins: bool = True

    def prices_at(self, coin: str, amount: str, **answer: Any) -> None:
        """From now on a coin costs so much."""
        known = {"recalculate_after": 0, "exchange_rate": None, "display_name": coin}
        self.prices[coin] = {"status": "success", **known, "amount": amount, **answer}

    def answer(self, path: str, body: bytes = b"") -> dict[str, Any]:
        coin, _, call = path.removeprefix("/api/v1/").partition("/")
        if coin == "crypto" and self.says_its_coins:
            return {"status": "success", "crypto": sorted(self.prices)}
        if call == "payment_request" and coin in self.prices:
            self.asked.append(coin)
            return {"wallet": destination(coin, json.loads(body)["external_id"]), **self.prices[coin]}
        return {"status": "success", "invoices": []} if coin == "invoices" else UNKNOWN


@contextmanager
def priced_gateway() -> Iterator[PricedGateway]:
    """Runs it in a thread of its own."""
    gateway = PricedGateway()
    with answering(lambda path, body: (500 if gateway.is_down else 200, gateway.answer(path, body))) as gateway.url:
        yield gateway
