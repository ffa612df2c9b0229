"""The local SHKeeper's payouts: tasks that send money, and what became of each. No I/O and no clock.

As in the real one the money goes first and is written down after, a batch is sent before anyone looks for duplicates
in it, and nothing older than a day is followed any more.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from coordinator.money import ZERO
from providers.shkeeper.simulator.coins import COINS, Coin
from providers.shkeeper.simulator.invoice_books import RefusedError
from providers.shkeeper.simulator.notices import payout_notice, plain

__all__ = ["BookedPayout", "Outcome", "PayoutBooks", "SentMoney"]

FOLLOWED_FOR = timedelta(days=1)
FIRST_BALANCE = Decimal(1_000_000)


class Outcome(StrEnum):
    """What becomes of the money for one destination."""

    ARRIVES = "arrives"
    UNCONFIRMED = "unconfirmed"
    """It is sent, and no block ever holds it."""
    FAILS = "fails"
    """The task fails as a whole, and nothing is sent."""
    REFUSED = "refused"
    """The task succeeds, but not for this destination."""
    STUCK = "stuck"
    """The task never comes to an end."""


@dataclass(frozen=True, slots=True)
class SentMoney:
    """Money that left for good."""

    external_id: str | None
    destination: str
    crypto: str
    amount: Decimal
    txid: str


@dataclass(frozen=True, slots=True)
class Part:
    """What a task is to send to one destination."""

    external_id: str | None
    destination: str
    amount: Decimal


@dataclass
class Task:
    """A question to a wallet. The wallet works on it for a moment."""

    task_id: str
    crypto: str
    parts: list[Part]
    asked_at: datetime
    status: str = "PENDING"
    result: Any = None


@dataclass
class BookedPayout:
    """A payout that SHKeeper has written down."""

    payout_id: int
    external_id: str | None
    crypto: str
    destination: str
    amount: Decimal
    callback_url: str | None
    task_id: str | None
    booked_at: datetime
    status: str = "IN_PROGRESS"
    txids: list[str] = field(default_factory=list)
    sent_at: datetime | None = None

    def notice(self, now: datetime) -> dict[str, Any]:
        """What is posted once it has arrived. Only the first of its transactions is named."""
        return payout_notice(
            payout_id=self.payout_id,
            external_id=self.external_id,
            crypto=self.crypto,
            amount=self.amount,
            amount_fiat=self.amount * COINS[self.crypto].usd,
            txid=self.txids[0],
            at=now,
        )


class PayoutBooks:
    """All payouts of the local SHKeeper, and the money that it sent."""

    def __init__(self, *, task_seconds: float, confirm_seconds: float) -> None:
        """A task runs for `task_seconds`; what it sent is confirmed `confirm_seconds` later."""
        self._task_takes = timedelta(seconds=task_seconds)
        self._confirming_takes = timedelta(seconds=confirm_seconds)
        self.tasks: dict[str, Task] = {}
        self.payouts: list[BookedPayout] = []
        self.sent: list[SentMoney] = []
        self.outcomes: dict[str, Outcome] = {}
        """What is to become of money for a destination, in lower case; it arrives if nothing is said."""
        self.wallet: Callable[[str, str, Decimal], str] | None = None
        """Really sends a coin's amount to a destination, and gives the transaction's hash; None: nobody does."""

    def pay_out(
        self, crypto: str, content: dict[str, Any], now: datetime, *, writes_down: bool = True
    ) -> dict[str, Any]:
        """`POST /{crypto}/payout`. `writes_down` False is a SHKeeper that dies between sending and writing down.
        Raises RefusedError."""
        coin = _coin(crypto)
        self._refuse_duplicate(crypto, content)
        part = _part(content, "destination")
        _field(content, "fee")
        answer: dict[str, Any]
        if coin.sends_at_once:
            txid = self._send(coin, part)
            answer, task_id, txids = {"result": [txid]}, None, [txid]
        else:
            task_id, txids = self._begin(crypto, [part], now), []
            answer = {"task_id": task_id}
        if writes_down:
            self._write_down(crypto, part, content.get("callback_url"), task_id, txids, now)
        return answer | ({"external_id": part.external_id} if part.external_id else {})

    def pay_out_many(self, crypto: str, content: Any, now: datetime) -> dict[str, Any]:
        """`POST /{crypto}/multipayout`: sends all, and only then looks for duplicates. Raises RefusedError."""
        if not isinstance(content, list):
            raise RefusedError("Expected an array of payouts")
        _coin(crypto)
        parts = [_part(entry, "dest") for entry in content]
        task_id = self._begin(crypto, parts, now)
        for part, entry in zip(parts, content, strict=True):
            self._refuse_duplicate(crypto, entry)
            self._write_down(crypto, part, entry.get("callback_url"), task_id, [], now)
        return {"task_id": task_id, "external_ids": [part.external_id for part in parts if part.external_id]}

    def task(self, task_id: str) -> dict[str, Any]:
        """`GET /{crypto}/task/{task_id}`. One that nobody knows is pending, as for every queue of this kind."""
        task = self.tasks.get(task_id)
        return {"status": task.status, "result": task.result} if task else {"status": "PENDING", "result": None}

    def status(self, crypto: str, external_id: str) -> dict[str, Any] | None:
        """`GET /{crypto}/payout/status`; None if it is not written down."""
        payout = self._find(crypto, external_id)
        if payout is None:
            return None
        return {
            "id": payout.payout_id,
            "external_id": payout.external_id,
            "crypto": payout.crypto,
            "status": payout.status,
            "amount": str(payout.amount),
            "destination": payout.destination,
            "txid": payout.txids[0] if payout.txids else None,
        }

    def balance(self, crypto: str) -> Decimal:
        """What the wallet of a coin holds."""
        return FIRST_BALANCE - sum((money.amount for money in self.sent if money.crypto == crypto), ZERO)

    def tick(self, now: datetime) -> list[BookedPayout]:
        """Does what is due by now; returns the payouts that have arrived since the last time."""
        for task in self.tasks.values():
            if task.status == "PENDING" and task.asked_at + self._task_takes <= now:
                self._run(task, now)
        arrived = []
        for payout in self.payouts:
            if (
                payout.status == "IN_PROGRESS"
                and now < payout.booked_at + FOLLOWED_FOR
                and self._arrives(payout, now)
            ):
                payout.status = "SUCCESS"
                arrived.append(payout)
        return arrived

    def _arrives(self, payout: BookedPayout, now: datetime) -> bool:
        is_sent = payout.sent_at is not None and payout.sent_at + self._confirming_takes <= now
        return is_sent and self._outcome(payout.destination) is not Outcome.UNCONFIRMED

    def _outcome(self, destination: str) -> Outcome:
        return self.outcomes.get(destination.lower(), Outcome.ARRIVES)

    def _begin(self, crypto: str, parts: list[Part], now: datetime) -> str:
        task_id = secrets.token_hex(16)
        self.tasks[task_id] = Task(task_id, crypto, parts, now)
        return task_id

    def _run(self, task: Task, now: datetime) -> None:
        outcomes = {self._outcome(part.destination) for part in task.parts}
        if Outcome.STUCK in outcomes:
            return
        needed = sum((part.amount for part in task.parts), ZERO)
        if Outcome.FAILS in outcomes or needed > self.balance(task.crypto):
            task.status = "FAILURE"
            task.result = f"Have not enough tokens on fee account, need {plain(needed)}"
            self._give_up(task)
            return
        task.result = [self._result(task, part, now) for part in task.parts]
        task.status = "SUCCESS"

    def _give_up(self, task: Task) -> None:
        for payout in self.payouts:
            if payout.task_id == task.task_id:
                payout.status = "FAIL"

    def _result(self, task: Task, part: Part, now: datetime) -> dict[str, Any]:
        # SHKeeper finds the payout of a result by its address, so two for one address are mixed up.
        payout = next(
            (
                payout
                for payout in self.payouts
                if payout.task_id == task.task_id and payout.destination.lower() == part.destination.lower()
            ),
            None,
        )
        result = {"dest": part.destination, "amount": plain(part.amount)}
        if self._outcome(part.destination) is Outcome.REFUSED:
            if payout is not None:
                payout.status = "FAIL"
            return result | {"status": "error", "txids": [], "message": "execution reverted"}
        txid = self._send(COINS[task.crypto], part)
        if payout is not None:
            payout.txids.append(txid)
            payout.sent_at = now
        return result | {"status": "success", "txids": [txid]}

    def _send(self, coin: Coin, part: Part) -> str:
        txid = coin.new_txid() if self.wallet is None else self.wallet(coin.name, part.destination, part.amount)
        self.sent.append(SentMoney(part.external_id, part.destination, coin.name, part.amount, txid))
        return txid

    def _write_down(
        self,
        crypto: str,
        part: Part,
        callback_url: str | None,
        task_id: str | None,
        txids: list[str],
        now: datetime,
    ) -> None:
        self.payouts.append(
            BookedPayout(
                payout_id=len(self.payouts) + 1,
                external_id=part.external_id,
                crypto=crypto,
                destination=part.destination,
                amount=part.amount,
                callback_url=callback_url,
                task_id=task_id,
                booked_at=now,
                txids=txids,
                sent_at=now if txids else None,
            )
        )

    def _refuse_duplicate(self, crypto: str, content: dict[str, Any]) -> None:
        external_id = _external_id(content)
        if external_id is not None and self._find(crypto, external_id) is not None:
            raise RefusedError(f"Payout with this external_id already exists: {external_id}")

    def _find(self, crypto: str, external_id: str) -> BookedPayout | None:
        return next(
            (known for known in self.payouts if (known.crypto, known.external_id) == (crypto, external_id)), None
        )


def _coin(name: str) -> Coin:
    if name not in COINS:
        raise RefusedError(f"Unknown crypto: {name}")
    return COINS[name]


def _external_id(content: dict[str, Any]) -> str | None:
    external_id = content.get("external_id")
    return None if external_id in (None, "") else str(external_id)


def _part(content: dict[str, Any], destination: str) -> Part:
    return Part(_external_id(content), str(_field(content, destination)), Decimal(_field(content, "amount")))


def _field(content: dict[str, Any], name: str) -> Any:
    if name not in content:
        raise RefusedError(repr(name))
    return content[name]
