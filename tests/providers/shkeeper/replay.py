"""Replay of the recorded questions to the local SHKeeper, with its clock played: what was given before each of them
is played too, and the notices are answered as they were."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, unquote

from providers.shkeeper.simulator.api import answer, route_of
from providers.shkeeper.simulator.books.invoices import Output
from providers.shkeeper.simulator.books.outbox import Notice, Subject
from providers.shkeeper.simulator.books.payout_tasks import Outcome
from providers.shkeeper.simulator.gateway import Configuration, LocalGateway
from providers.shkeeper.simulator.questions import NotJsonError, PlayedAnswer, Question
from providers.shkeeper.simulator.terms.daemons import State
from providers.shkeeper.simulator.terms.terms import FeePolicy, Fees
from tests.providers.shkeeper.comparison import Comparison

__all__ = ["PASSWORD", "Posted", "Replay", "Words"]

Words = dict[str, Any]

PASSWORD = "the-operators-password"
START = datetime(2026, 11, 25, 23, 58, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(seconds=60)
# For how long the notices are waited for after the last question.
AFTERWARDS = 8 * 60
# Everything begins so long after a round of the loops, so that the next one comes too early for some of it.
BETWEEN_ROUNDS = 20

STATES = {
    "drops every connection": State.DOWN,
    "answers every call with an error (500)": State.ERRORS,
    "takes 30 s for every answer": State.HANGS,
    "sends, then takes 12 s for its answer": State.SENDS_AND_HANGS,
    "well again": State.WELL,
}
BLOCKS_IN_AN_HOUR = {"TON-USDT": 8999, "USDC": 1200, "BTC": 40}
NODE_IS_DOWN = (
    "HTTPConnectionPool(host='fullnode.example', port=8545): Max retries exceeded with url: / (Caused by"
    " NewConnectionError('<urllib3.connection.HTTPConnection object>: Failed to establish a new connection:"
    " [Errno 111] Connection refused'))"
)
# What the daemons of the recording were told to say of the next payout.
DECLINES = {
    "say-node": NODE_IS_DOWN,
    "say-401": "authorization requred",
    "say-trx": (
        "Not enough TRX tokens at fee-deposit account <sqlite3.Row object at 0x7f0000000000> to pay payout fees."
        " Has: 0, need: 80"
    ),
    "no-funds": None,
    "bad-address": "Invalid Firo address",
    "locked": "Error: Please enter the wallet passphrase with walletpassphrase first.",
    "no_route": "Payment error: 'no_route'",
    "insufficient_balance": "Payment error: 'insufficient_balance'",
    "paid": "Unknown result: {'code': 2, 'message': 'invoice is already paid', 'details': []}",
    "checksum": "'num_satoshis'",
}
FAILS = {
    "fail-evm-crypto": "Have not enough crypto on fee account, need 0.000441 have 0.000013",
    "fail-xrp-address": "Address rNotAnAddress is not valid XRPL address",
}
HOLDS_TOO_LITTLE = {
    "fail-evm-tokens": "0.25",
    "fail-tron-balance": "3.1",
    "fail-xrp-crypto": "4.5",
    "fail-ton-crypto": "0.4",
    "fail-ton-tokens": "1",
}
OUTCOMES = {
    "fail-tron-sent": Outcome.SENT_AND_FAILS,
    "fail-xrp-sent": Outcome.SENT_AND_FAILS,
    "tron-revert": Outcome.REVERTS,
}
# How many of the transfers that came at once were counted: a race, whose end is played.
COUNTED = {"order-4000": 2, "order-4001": 4}
# The gateway looked at the task a moment after the payout was asked for: its rounds go by its own clock.
LOOKED_AT_ONCE = "TRX/payout/status?external_id=payout-2008"
LOOKED_MEANWHILE = "the gateway has polled its task meanwhile"


@dataclass(frozen=True, slots=True)
class Posted:
    """A notice that was posted."""

    subject: Subject
    txid: str
    since: datetime
    at: datetime
    body: str


@dataclass
class Replay:
    """One scenario: its exchanges, and the statuses with which its webhooks were answered."""

    exchanges: Sequence[Words]
    webhooks: Sequence[Words]
    comparison: Comparison = field(default_factory=Comparison)
    posted: list[Posted] = field(default_factory=list)
    now: datetime = START

    def __post_init__(self) -> None:
        is_slow = any(
            exchange.get("answer") == {"result": None, "status": "PENDING"} and exchange["ask"].count("/task/")
            for exchange in self.exchanges[1:]
        )
        self.key = next((webhook["key"] for webhook in self.webhooks), "contract-wallet-key-1")
        self.gateway = LocalGateway(
            Configuration(
                self.key, password=PASSWORD, task_seconds=2 if is_slow else 0, confirm_seconds=0, poll_seconds=60
            )
        )
        for coin, daemon in self.gateway.daemons.by_coin.items():
            daemon.balance = Decimal(1 if coin == "BTC-LIGHTNING" else 1000)
            daemon.gathers = False  # theirs held the same, whatever came
        self._modes: dict[str, str] = {}
        self._wallet = ""
        self.pass_time(0)  # the loops begin
        self.pass_time(BETWEEN_ROUNDS)

    def play(self, exchange: Words) -> PlayedAnswer:
        """Plays what was given, and asks."""
        for given in exchange.get("given", ()):
            [(what, how)] = given.items()
            getattr(self, f"_{what}")(how)
            self.pass_time(0)
        question = self.question(exchange)
        is_early = exchange["ask"].endswith(LOOKED_AT_ONCE)
        if exchange["about"] == "at once" if is_early else LOOKED_MEANWHILE in exchange["about"]:
            self._pass_to_the_next_round()
        self._prepare(question)
        answered = self.ask(question)
        if isinstance(answered.content, dict):
            self._wallet = answered.content.get("wallet") or self._wallet
        self.pass_time(0)
        return answered

    def ask(self, question: Question) -> PlayedAnswer:
        self.gateway.advance(self.now)
        route = route_of(question)
        if isinstance(route, PlayedAnswer):
            return route
        refusal = route.allows(self.gateway.configuration, question)
        return refusal or answer(self.gateway, route, question, self.now)

    def question(self, exchange: Words) -> Question:
        method, _, target = exchange["ask"].partition(" ")
        path, _, query = target.partition("?")
        parts = tuple(self.comparison.known(unquote(part)) for part in path.split("/"))
        body = exchange["body_raw"] if "body_raw" in exchange else json.dumps(exchange.get("body"))
        is_empty = "body_raw" not in exchange and "body" not in exchange
        return Question(
            method,
            parts,
            dict(parse_qsl(query, keep_blank_values=True)),
            self.credentials(exchange["auth"]),
            b"" if is_empty else body.encode(),
        )

    def credentials(self, auth: str) -> dict[str, str]:
        def basic(password: str) -> dict[str, str]:
            return {"authorization": f"Basic {base64.b64encode(f'admin:{password}'.encode()).decode()}"}

        return {
            "none": {},
            "key": {"x-shkeeper-api-key": self.key},
            "wrong-key": {"x-shkeeper-api-key": "wrong"},
            "basic": basic(PASSWORD),
            "wrong-basic": basic("wrong"),
        }[auth]

    # The clock, and the notices

    def pass_time(self, seconds: int) -> None:
        """Time passes second by second, and the notices are posted that are due."""
        for _ in range(seconds):
            self.now += SECOND
            self._post()
        self._post()

    def end(self) -> None:
        """Waits for the notices that are still to come, and for those that are not."""
        self.pass_time(AFTERWARDS)

    def _pass_to_the_next_round(self) -> None:
        self.pass_time(int((MINUTE - (self.now - START) % MINUTE).total_seconds()))

    def _post(self) -> None:
        for notice in self.gateway.due(self.now):
            self.posted.append(self._posted(notice))
            recorded = self.webhooks[len(self.posted) - 1] if len(self.posted) <= len(self.webhooks) else None
            status = 202 if recorded is None else recorded["status"]
            is_noted = recorded is None or not (status == 202 and recorded["then"] == "sent again")
            self.gateway.outbox.answered(notice, status if is_noted else None, self.now)

    def _posted(self, notice: Notice) -> Posted:
        return Posted(notice.subject, notice.txid, notice.since, self.now, self.gateway.body(notice).decode())

    # What was given

    def _waited_seconds(self, seconds: int) -> None:
        self.pass_time(seconds)

    def _gateway(self, how: str) -> None:
        assert how.startswith("DISABLE_CRYPTO_WHEN_LAGS=1")
        self.gateway.terms.disable_crypto_when_lags = True
        self.tell_less()

    def tell_less(self) -> None:
        """Its notices are those of invoices only."""
        self.gateway.terms.unconfirmed_notices = False
        self.gateway.terms.payout_notices = False

    def _operator(self, how: Words) -> None:
        terms = self.gateway.terms
        match how:
            case {"rate": rate, "coin": coin, "fiat": fiat}:
                terms.rates[coin, fiat] = Decimal(str(rate))
            case {"fee_policy": policy, "coin": coin, "fiat": fiat}:
                percent, fixed = (Decimal(str(how[name])) for name in ("fee", "fixed_fee"))
                terms.fees[coin, fiat] = Fees(FeePolicy(policy), percent, fixed)
            case {"wallet": coin}:
                wallet = terms.wallets[coin]
                wallet.confirmations = how.get("confirmations", wallet.confirmations)
                wallet.recalculate_after = how.get("recalc", wallet.recalculate_after)
                wallet.enabled = how.get("enabled", wallet.enabled)
            case _:
                raise AssertionError(how)

    def _invoice_made_older(self, how: Words) -> None:
        self.gateway.invoices.make_older(how["external_id"], timedelta(hours=how["hours"]))

    def _transfer(self, how: Words) -> None:
        gateway = self.gateway
        if how["coin"] == "BTC-LIGHTNING":
            amount = Decimal(how["satoshi"]).scaleb(-8)
            gateway.transfer(self._wallet, amount, self.now, confirmed=True, txid=how["r_hash"])
            return
        txid, confirmations = how["txid"], how["outputs"][0]["confirmations"]
        if txid in gateway.invoices.transactions:
            gateway.confirm(txid, self.now, confirmations, is_reported=how["reported_to_gateway"])
            return
        decimals = 12 if how["coin"] == "XMR" else 0
        outputs = [
            Output(self.comparison.known(output["address"]), Decimal(output["amount"]).scaleb(-decimals))
            for output in how["outputs"]
        ]
        gateway.transact(outputs, self.now, confirmations=confirmations, txid=txid)

    def _transfers_at_once(self, how: Words) -> None:
        address = self.comparison.known(how["address"])
        invoice = next(one for one in self.gateway.invoices.invoices if one.coin_at(address))
        self.gateway.transfer_at_once(
            address,
            [Decimal(how["amount"])] * len(how["txids"]),
            self.now,
            counted=COUNTED[invoice.external_id or ""],
            txids=how["txids"],
        )

    def _daemon(self, how: Words) -> None:
        [(coin, said)] = how.items()
        daemon = self.gateway.daemons.by_coin[coin]
        if said in STATES:
            daemon.state = STATES[said]
        elif said == "is an hour behind its chain":
            daemon.blocks_behind = BLOCKS_IN_AN_HOUR[coin]
        elif said == "payouts have 1 confirmation":
            daemon.payout_confirmations = 1
        elif "has sent" in said:
            daemon.state = State.WELL
            self.pass_time(0)
            self._check_sent(coin, said)
        else:
            self._modes[coin] = said

    def _check_sent(self, coin: str, said: str) -> None:
        """What the recording's daemon counted has left here too."""
        tail = self._destinations if "[" in said else self._destinations[-1:]
        counts = [
            sum((money.crypto, money.destination) == (coin, destination) for money in self.gateway.payouts.sent)
            for destination in tail
        ]
        text = str(counts) if "[" in said else str(counts[0])
        assert f"has sent {text} time(s)" in said

    # What the next payout is to become

    _destinations: Sequence[str] = ()

    def _prepare(self, question: Question) -> None:
        if question.method != "POST" or question.path[-1] not in ("payout", "multipayout") or not question.body:
            return
        mode = self._modes.pop(question.path[0], "ok")
        try:
            content = question.content()
        except NotJsonError:
            return
        entries = content if isinstance(content, list) else [content]
        destinations = [entry.get("dest") or entry.get("destination") or "" for entry in entries]
        self._destinations = (
            destinations if "multipayout" not in question.path else [*self._destinations, *destinations]
        )
        payouts = self.gateway.payouts
        if mode in HOLDS_TOO_LITTLE:
            self.gateway.daemons.by_coin[question.path[0]].balance = Decimal(HOLDS_TOO_LITTLE[mode])
        elif mode == "partly":
            payouts.outcomes[destinations[1].lower()] = Outcome.FAILS_HALFWAY
        elif mode != "ok":
            outcome = OUTCOMES.get(mode) or (Outcome.FAILS if mode in FAILS else Outcome.DECLINED)
            words = FAILS.get(mode) or DECLINES.get(mode) or _complaint(mode, question.path[0], entries[-1])
            for destination in destinations:
                payouts.outcomes[destination.lower()] = outcome
                if words:
                    payouts.messages[destination.lower()] = words


def _complaint(mode: str, coin: str, entry: Words) -> str | None:
    """What a daemon says of one part of a batch, which it repeats as Python shows it."""
    if mode == "say-address":
        return f"Bad destination address in {entry}{': Invalid length' if coin == 'USDT' else ''}"
    if mode == "say-amount":
        return f"Payout amount should be a positive number: {entry | {'amount': Decimal(entry['amount'])}}"
    return None
