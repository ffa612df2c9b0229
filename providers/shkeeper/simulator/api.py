"""The local SHKeeper's API: which question is for which of its books, and what it answers. No I/O and no clock.

SHKeeper: api_v1.py.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from providers.shkeeper.simulator.faults import Call
from providers.shkeeper.simulator.gateway import Asked, LocalGateway
from providers.shkeeper.simulator.questions import (
    Allows,
    NotJsonError,
    PlayedAnswer,
    Question,
    anyone,
    crashed,
    error,
    key_holder,
    operator,
)
from providers.shkeeper.simulator.terms.coins import COINS
from providers.shkeeper.simulator.terms.number_formats import plain
from providers.shkeeper.simulator.terms.refusals import CrashedError, RefusedError, ThrownError

__all__ = ["Route", "answer", "lost_after_sending", "note", "route_of", "subjects"]

USD = "USD"
PAYOUT_CALLS = (Call.PAYOUT, Call.MULTIPAYOUT)
NOT_UNDERSTOOD = "400 Bad Request: The browser (or proxy) sent a request that this server could not understand."


@dataclass(frozen=True, slots=True)
class Asking:
    """A question with all that it is answered from."""

    gateway: LocalGateway
    question: Question
    named: dict[str, str]
    """What stands in the path in the places of names."""
    now: datetime

    @property
    def crypto(self) -> str:
        return self.named["crypto"]


def _crypto(asking: Asking) -> PlayedAnswer:
    names, seconds = asking.gateway.offered(asking.now)
    coins = [{"name": name, "display_name": COINS[name].display_name} for name in names]
    return PlayedAnswer({"status": "success", "crypto": names, "crypto_list": coins}, seconds=seconds)


def _payment_request(asking: Asking) -> PlayedAnswer:
    content = asking.question.content()
    return PlayedAnswer(asking.gateway.invoices.request_payment(asking.crypto, content, asking.now))


def _quote(asking: Asking) -> PlayedAnswer:
    return PlayedAnswer(asking.gateway.invoices.quote(asking.crypto, asking.question.content()))


def _invoices(asking: Asking) -> PlayedAnswer:
    invoices = asking.gateway.invoices.look_up(asking.named["external_id"])
    return PlayedAnswer({"status": "success", "invoices": invoices})


def _all_invoices(asking: Asking) -> PlayedAnswer:
    invoices = [invoice.looked_up() for invoice in asking.gateway.invoices.invoices]
    return PlayedAnswer({"status": "success", "invoices": invoices})


def _transactions(asking: Asking) -> PlayedAnswer:
    found = asking.gateway.invoices.at_address(asking.crypto, asking.named["address"])
    return PlayedAnswer({"status": "success", "transactions": found})


def _transaction(asking: Asking) -> PlayedAnswer:
    info = asking.gateway.invoices.about(asking.named["external_id"], asking.named["txid"])
    return PlayedAnswer({"status": "success", "info": info})


def _balance_of(gateway: LocalGateway, crypto: str) -> dict[str, Any]:
    coin, rate = COINS[crypto], gateway.terms.rate(crypto, USD)
    status = gateway.daemons.server_status(coin)
    is_known = status == "Synced" or status.startswith("Sync In Progress")
    is_known = is_known and gateway.daemons.by_coin[crypto].tells_balance
    amount = gateway.payouts.balance(crypto) if is_known else Decimal(0)
    return {
        "name": crypto,
        "display_name": coin.display_name,
        "amount_crypto": plain(amount),
        "rate": plain(rate),
        "fiat": USD,
        "amount_fiat": plain(amount * rate),
        "server_status": status,
    }


def _balance(asking: Asking) -> PlayedAnswer:
    gateway, crypto = asking.gateway, asking.crypto
    if crypto not in COINS:
        raise RefusedError(f"Crypto {crypto} is not enabled")
    said = _balance_of(gateway, crypto)
    said["rate"] = f"{gateway.terms.rate(crypto, USD):f}"  # here, unlike in the list of all, with its column's zeros
    if said["amount_crypto"] == "0":
        said["amount_crypto"] = 0  # also of a wallet that it could not ask
    return PlayedAnswer(said, seconds=gateway.daemons.waited_for(COINS[crypto]))


def _balances(asking: Asking) -> PlayedAnswer:
    includes = asking.question.query.get("includes")
    names = [name for name in includes.split(",") if name in COINS] if includes else list(COINS)
    if not names:
        return error("No valid cryptos requested", 400)
    seconds = sum(asking.gateway.daemons.waited_for(COINS[name]) for name in names)
    return PlayedAnswer([_balance_of(asking.gateway, name) for name in names], seconds=seconds)


def _payout(asking: Asking) -> PlayedAnswer:
    return PlayedAnswer(asking.gateway.payouts.pay_out(asking.crypto, asking.question.content(), asking.now))


def _payouts_that_are_lost(asking: Asking) -> PlayedAnswer:
    content, payouts = asking.question.content(), asking.gateway.payouts
    pay_out = payouts.pay_out_many if isinstance(content, list) else payouts.pay_out
    return PlayedAnswer(pay_out(asking.crypto, content, asking.now, writes_down=False))


def _multipayout(asking: Asking) -> PlayedAnswer:
    return PlayedAnswer(asking.gateway.payouts.pay_out_many(asking.crypto, asking.question.content(), asking.now))


def _task(asking: Asking) -> PlayedAnswer:
    try:
        return PlayedAnswer(asking.gateway.payouts.task(asking.crypto, asking.named["task_id"]))
    except RefusedError:
        raise CrashedError from None


def _payout_status(asking: Asking) -> PlayedAnswer:
    external_id = asking.question.query.get("external_id")
    if not external_id:
        return PlayedAnswer({"error": "external_id is required"}, 400)
    found = asking.gateway.payouts.status(asking.crypto, external_id)
    return PlayedAnswer({"error": "Payout not found"}, 404) if found is None else PlayedAnswer(found)


@dataclass(frozen=True, slots=True)
class Route:
    """Where a question goes. Parts of the path that begin with a colon are names for what stands there."""

    method: str
    path: tuple[str, ...]
    call: Call
    allows: Allows
    act: Callable[[Asking], PlayedAnswer]

    def named(self, path: Sequence[str]) -> dict[str, str] | None:
        """What stands in the places of names; None if it is another path."""
        if len(path) != len(self.path):
            return None
        named = {}
        for expected, part in zip(self.path, path, strict=True):
            if expected.startswith(":"):
                named[expected[1:]] = part
            elif expected != part:
                return None
        return named


def _route(method: str, path: str, call: Call, allows: Allows, act: Callable[[Asking], PlayedAnswer]) -> Route:
    return Route(method, tuple(path.split("/")), call, allows, act)


ROUTES = (
    _route("GET", "crypto", Call.CRYPTO, anyone, _crypto),
    _route("GET", "crypto/balances", Call.BALANCE, key_holder, _balances),
    _route("GET", "invoices", Call.INVOICES, key_holder, _all_invoices),
    _route("GET", "invoices/:external_id", Call.INVOICES, key_holder, _invoices),
    _route("GET", "transactions/:crypto/:address", Call.INVOICES, key_holder, _transactions),
    _route("GET", "tx-info/:txid/:external_id", Call.INVOICES, key_holder, _transaction),
    _route("POST", ":crypto/payment_request", Call.PAYMENT_REQUEST, key_holder, _payment_request),
    _route("POST", ":crypto/quote", Call.QUOTE, key_holder, _quote),
    _route("GET", ":crypto/balance", Call.BALANCE, key_holder, _balance),
    _route("POST", ":crypto/payout", Call.PAYOUT, operator, _payout),
    _route("POST", ":crypto/multipayout", Call.MULTIPAYOUT, operator, _multipayout),
    _route("GET", ":crypto/task/:task_id", Call.TASK, operator, _task),
    _route("GET", ":crypto/payout/status", Call.PAYOUT_STATUS, key_holder, _payout_status),
)


def route_of(question: Question) -> Route | PlayedAnswer:
    """Where a question goes, or that it goes nowhere."""
    routes = [route for route in ROUTES if route.named(question.path) is not None]
    if not routes:
        return crashed(404, "Not Found")
    return next((route for route in routes if route.method == question.method), crashed(405, "Method Not Allowed"))


def note(gateway: LocalGateway, route: Route, question: Question) -> None:
    """Keeps in mind what was asked, whatever is answered."""
    try:
        content = question.content() if question.body else None
    except NotJsonError:
        content = question.body.decode(errors="replace")
    named = route.named(question.path) or {}
    external_id = named.get("external_id") or question.query.get("external_id")
    gateway.asked.append(Asked(route.call, content, external_id))


def subjects(gateway: LocalGateway, route: Route, question: Question) -> frozenset[str]:
    """Whom a question is about, in lower case: the external ids and destinations that it names, or that its task is
    for."""
    named = route.named(question.path) or {}
    named_by = [named.get("external_id"), question.query.get("external_id")]
    task = gateway.payouts.tasks.get(named.get("task_id", ""))
    for part in () if task is None else task.parts:
        named_by += [part.external_id, part.destination]
    try:
        content = question.content() if question.body else None
    except NotJsonError:
        content = None
    for entry in content if isinstance(content, list) else [content]:
        if isinstance(entry, dict):
            named_by += [entry.get(name) for name in ("external_id", "destination", "dest")]
    return frozenset(one.lower() for one in named_by if isinstance(one, str))


def answer(gateway: LocalGateway, route: Route, question: Question, now: datetime) -> PlayedAnswer:
    """Does what is asked, whoever asks."""
    return _do(route, Asking(gateway, question, route.named(question.path) or {}, now), route.act)


def lost_after_sending(gateway: LocalGateway, route: Route, question: Question, now: datetime) -> None:
    """Sends the money of payouts, and dies before it is written down."""
    _do(route, Asking(gateway, question, route.named(question.path) or {}, now), _payouts_that_are_lost)


def _do(route: Route, asking: Asking, act: Callable[[Asking], PlayedAnswer]) -> PlayedAnswer:
    # The payouts' errors are the only ones that are not answered with 200, and that have no traceback
    # (api_v1.py handle_request_error).
    is_payout = route.call in PAYOUT_CALLS
    status = 500 if is_payout else 200
    try:
        return act(asking)
    except NotJsonError:
        return error(NOT_UNDERSTOOD, 500) if is_payout else crashed()
    except CrashedError as crash:
        return crashed(seconds=crash.seconds)
    except ThrownError as thrown:
        return error(str(thrown), status, has_traceback=not is_payout, seconds=thrown.seconds)
    except RefusedError as refusal:
        return error(str(refusal), status, seconds=refusal.seconds)
    except (ArithmeticError, ValueError, KeyError, AttributeError, TypeError) as failure:
        return error(str(failure), status, has_traceback=not is_payout)
