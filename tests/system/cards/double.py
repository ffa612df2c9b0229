"""The provider of cards, played on loopback: it opens checkouts, signs what it tells, and is as unkind as the
real ones are."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from standardwebhooks.webhooks import Webhook

from tests.answering_server import Asked, answering_requests
from tests.asking import post
from tests.conftest import BridgeProcess

__all__ = ["FORGERS_SECRET", "REGISTERED", "BridgeWithCards", "CardsDouble", "playing_cards"]

REGISTERED = "tests.system.cards.provider"
SECRET = "whsec_dGhlLWJyaWRnZS1hbmQtdGhlLWNhcmRzLWtub3ctaXQ="
FORGERS_SECRET = "whsec_bm9ib2R5LXNoYXJlcy10aGlzLW9uZS13aXRoLXRoZW0="
SHOP, OTHER_SHOP, KEY = "shop_1", "shop_2", "the-key-of-the-shop"

Content = dict[str, Any]


class BridgeWithCards(BridgeProcess):
    """A bridge that knows the provider of cards beside the others."""

    beside = REGISTERED


@dataclass
class CardsDouble:
    """Its books, and what is wrong with it at the moment."""

    url: str = ""
    webhook_url: str = ""
    sessions: dict[str, Content] = field(default_factory=dict)
    """By reference."""
    disputes: dict[str, Content] = field(default_factory=dict)
    payouts: dict[str, Content] = field(default_factory=dict)
    """By reference."""
    is_down: bool = False
    """Whether it answers 500, whatever it is asked."""
    hangs_up_on_payouts: bool = False
    """Whether it takes payouts on, and breaks the connection instead of saying so."""
    undelivered: list[Content] = field(default_factory=list)

    @property
    def variables(self) -> dict[str, str]:
        """What the environment of a bridge has that is to be paid with cards."""
        return {
            "BRIDGE_CARDS_URL": self.url,
            "BRIDGE_CARDS_SHOP": SHOP,
            "BRIDGE_CARDS_KEY": KEY,
            "BRIDGE_CARDS_WEBHOOK_SECRETS": SECRET,
        }

    # What happens there

    def session_at(self, checkout_url: str) -> Content:
        """The one that a buyer finds at an address; they have to get there by what they were told."""
        [session] = [one for one in self.sessions.values() if one["url"] == checkout_url]
        return session

    def authorise(self, session: Content) -> Content:
        session |= {"status": "authorised", "charge": f"ch_{session['id']}"}
        return self._event("checkout.authorised", session)

    def capture(self, session: Content) -> Content:
        session |= {"status": "captured", "captured": session["amount"]}
        return self._event("checkout.captured", session)

    def refund(self, session: Content, amount: int) -> Content:
        made = {"id": f"re_{session['id']}_{len(session['refunds']) + 1}", "amount": amount}
        session["refunds"].append(made)
        return self._event("refund.made", {**made, "session": session})

    def dispute(self, session: Content, amount: int, status: str = "open") -> Content:
        """A message of it says nothing but its name."""
        name = f"dp_{session['id']}"
        told = {"id": name, "reference": session["reference"], "amount": amount, "currency": session["currency"]}
        self.disputes[name] = {**told, "status": status, "reason": "fraudulent"}
        session["disputes"] = [self.disputes[name]]
        return self._event("dispute.changed", {"dispute": name})

    def payout_is(self, reference: str, status: str, **more: str) -> Content:
        payout = self.payouts[reference]
        payout |= {"status": status, **more}
        return self._event(f"payout.{status}", payout)

    def of_another_shop(self, session: Content) -> Content:
        return self._event("checkout.captured", session) | {"shop": OTHER_SHOP}

    def of_no_money(self) -> Content:
        return self._event("customer.updated", {"customer": "cus_1"})

    def _event(self, kind: str, data: Content) -> Content:
        told = json.loads(json.dumps(data))  # as it is now
        return {"id": f"evt_{uuid.uuid4().hex}", "type": kind, "shop": SHOP, "data": told}

    # What is told

    def tell(
        self, event: Content, *, secret: str = SECRET, old: timedelta = timedelta(0), signature: str | None = None
    ) -> httpx.Response:
        """Tells it once."""
        body, at = json.dumps(event), datetime.now(UTC) - old
        message = f"msg_{event['id']}"
        signed = Webhook(secret).sign(message, at, body)
        headers = {
            "webhook-id": message,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": signed if signature is None else signature,
            "content-type": "application/json",
        }
        return post(self.webhook_url, content=body, headers=headers)

    def tell_when_there(self, *events: Content) -> None:
        """Tells them once somebody answers, the last first: nothing keeps them in order."""
        self.undelivered += events

    def deliver(self) -> list[httpx.Response]:
        """Tells all that could not be told, each of it twice."""
        told = [self.tell(event) for event in reversed(self.undelivered) for _ in range(2)]
        self.undelivered.clear()
        return told

    # What it is asked

    def answer(self, method: str, path: str, query: dict[str, list[str]], content: Content) -> tuple[int, Any] | None:
        """Its status and content; None to break the connection."""
        if self.is_down:
            return 500, {"message": "try again"}
        references = query.get("reference")
        match method, path.strip("/").split("/"):
            case "GET", ["currencies"]:
                return 200, ["EUR", "USD"]
            case "POST", ["sessions"]:
                return self._open(content)
            case "GET", ["sessions"]:
                return 200, [one for one in self.sessions.values() if references in (None, [one["reference"]])]
            case "GET", ["disputes", name] if name in self.disputes:
                return 200, self.disputes[name]
            case "POST", ["payouts"]:
                return self._pay_out(content)
            case "GET", ["payouts"]:
                return 200, [one for one in self.payouts.values() if [one["reference"]] == references]
        return 404, {"message": "there is no such thing"}

    def _open(self, content: Content) -> tuple[int, Content]:
        reference = content["reference"]
        if reference not in self.sessions:
            name = f"cs{len(self.sessions) + 1}"
            opened = {"id": name, "url": f"{self.url}/pay/{name}", "status": "open", "refunds": [], "disputes": []}
            self.webhook_url = content.pop("notify")
            self.sessions[reference] = opened | content
        return 201, self.sessions[reference]

    def _pay_out(self, content: Content) -> tuple[int, Content] | None:
        if content["account"] == "acct_closed":
            return 422, {"message": "this account takes no money any more"}
        name = f"po_{len(self.payouts) + 1}"
        self.payouts[content["reference"]] = content | {"id": name, "status": "in_transit"}
        return None if self.hangs_up_on_payouts else (201, self.payouts[content["reference"]])


@contextmanager
def playing_cards() -> Iterator[CardsDouble]:
    double = CardsDouble()

    def answer(asked: Asked) -> tuple[int, Any] | None:
        if asked.path.startswith("/pay/"):
            return 200, "the page on which it is paid"
        if asked.headers.get("Authorization") != f"Bearer {KEY}":
            return 401, {"message": "who is that?"}
        parts = urlsplit(asked.path)
        return double.answer(asked.method, parts.path, parse_qs(parts.query), json.loads(asked.body or "{}"))

    with answering_requests(answer) as double.url:
        yield double
