"""Payouts at the coin daemons: tasks that send money, what they say of it, and what is to become of it instead.

No I/O and no clock. The results are each daemon's own: Tron's have the transaction in them, others count in floats.
"""

import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from providers.shkeeper.coins import wallet_in_turn
from providers.shkeeper.simulator.books.addresses import as_daemon_names, new_txid
from providers.shkeeper.simulator.terms.coins import COINS, Coin, Family
from providers.shkeeper.simulator.terms.daemons import Daemons
from providers.shkeeper.simulator.terms.number_formats import as_float, plain

__all__ = ["Outcome", "Part", "PayoutTasks", "SentMoney", "Task"]

ZERO = Decimal(0)
RESERVE_OF_XRP = Decimal(1)
NETWORK_FEE_OF_TON = Decimal("0.0132")
OUT_OF_ENERGY = (
    "Not enough energy for 'SSTORE' operation executing:"
    " curInvokeEnergyLimit[30000], curOpEnergy[20000], usedEnergy[14650]"
)


class Outcome(StrEnum):
    """What becomes of the money for one destination."""

    ARRIVES = "arrives"
    UNCONFIRMED = "unconfirmed"
    """It is sent, and no block ever holds it."""
    FAILS = "fails"
    """The task fails as a whole, and nothing is sent."""
    FAILS_HALFWAY = "fails-halfway"
    """The task fails as a whole, when those before it in the batch were sent."""
    SENT_AND_FAILS = "sent-and-fails"
    """It is sent with those before it, and then the task fails as a whole."""
    REFUSED = "refused"
    """The task succeeds, but not for this destination."""
    REVERTS = "reverts"
    """It is on the chain, where it moved no money: an error with a hash, and to an EVM chain's daemon a success."""
    DECLINED = "declined"
    """The daemon does not take the payout, and SHKeeper books it all the same."""
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
    done_at: datetime | None = None


class PayoutTasks:
    """The wallets of all coins, with what they are doing and the money that they sent."""

    def __init__(self, daemons: Daemons, *, task_seconds: float, confirm_seconds: float) -> None:
        """A task runs for `task_seconds`; what it sent is in a block `confirm_seconds` later."""
        self._daemons = daemons
        self._takes = timedelta(seconds=task_seconds)
        self._confirming_takes = timedelta(seconds=confirm_seconds)
        self._pending: list[Task] = []
        self._on_the_way: dict[str, list[SentMoney]] = {}
        """What was sent last of each wallet that numbers its transactions by its blocks."""
        self._in_block_at: dict[str, datetime] = {}
        self.replaced: list[SentMoney] = []
        """What a later transaction of the same number took the place of: it never arrives, and its task has said that
        it was sent."""
        self.by_id: dict[str, Task] = {}
        self.sent: list[SentMoney] = []
        self.outcomes: dict[str, Outcome] = {}
        """What is to become of money for a destination, in lower case; it arrives if nothing is said."""
        self.messages: dict[str, str] = {}
        """The words in which that is said, by destination in lower case, if not the usual ones."""
        self.wallet: Callable[[str, str, Decimal], str] | None = None
        """Really sends a coin's amount to a destination, and gives the transaction's hash; None: nobody does."""

    def outcome_of(self, destination: str) -> Outcome:
        return self.outcomes.get(destination.lower(), Outcome.ARRIVES)

    def balance(self, crypto: str) -> Decimal:
        """What the wallet of a coin holds."""
        spent = sum((money.amount for money in self.sent if money.crypto == crypto), ZERO)
        return self._daemons.by_coin[crypto].balance - spent

    def begin(self, coin: Coin, parts: list[Part], now: datetime) -> str:
        task_id = str(uuid.UUID(bytes=secrets.token_bytes(16)))
        self.by_id[task_id] = task = Task(task_id, coin.name, parts, now)
        self._pending.append(task)
        return task_id

    def send(self, coin: Coin, part: Part) -> str:
        """Sends money for good; returns the transaction's hash."""
        txid = new_txid(coin) if self.wallet is None else self.wallet(coin.name, part.destination, part.amount)
        self.sent.append(SentMoney(part.external_id, part.destination, coin.name, part.amount, txid))
        return txid

    def run(self, now: datetime) -> None:
        """Runs the tasks that are due by now."""
        for task in self._pending:
            if task.asked_at + self._takes <= now:
                sent = len(self.sent)
                self._run(task, now)
                self._number(task.crypto, self.sent[sent:], now)
        self._pending = [task for task in self._pending if task.status == "PENDING"]

    def _number(self, crypto: str, sent: list[SentMoney], now: datetime) -> None:
        """Takes the place of what the wallet has sent and no block holds yet. Where a real chain is behind it, that
        decides."""
        wallet = wallet_in_turn(crypto)
        if wallet is None or self.wallet is not None or not sent:
            return
        before = self._on_the_way.pop(wallet, [])
        if now < self._in_block_at.get(wallet, now):
            self.replaced += before
            self.sent = [money for money in self.sent if money not in before]
        self._on_the_way[wallet], self._in_block_at[wallet] = sent, now + self._confirming_takes

    def _run(self, task: Task, now: datetime) -> None:
        coin = COINS[task.crypto]
        outcomes = {self.outcome_of(part.destination) for part in task.parts}
        if Outcome.STUCK in outcomes:
            return
        task.done_at = now
        needed, balance = sum((part.amount for part in task.parts), ZERO), self.balance(task.crypto)
        if Outcome.FAILS in outcomes or needed > balance:
            self._fail(task, Outcome.FAILS, _too_little(coin, needed, min(balance, needed)))
            return
        results = []
        for part in task.parts:
            outcome = self.outcome_of(part.destination)
            if outcome is Outcome.FAILS_HALFWAY:
                words = "{'code': -32000, 'message': 'replacement transaction underpriced'}"
                self._fail(task, outcome, words)
                return
            results.append(self._result(coin, part, outcome))
            if outcome is Outcome.SENT_AND_FAILS:
                is_tron = coin.family is Family.TRON
                words = (
                    "timeout and can not find the transaction"
                    if is_tron
                    else "'str' object has no attribute 'result'"
                )
                self._fail(task, outcome, words)
                return
        task.status, task.result = "SUCCESS", results

    def _fail(self, task: Task, outcome: Outcome, usual: str) -> None:
        said = (self.messages.get(part.destination.lower()) for part in task.parts)
        task.status, task.result = "FAILURE", next((words for words in said if words), usual)

    def _result(self, coin: Coin, part: Part, outcome: Outcome) -> dict[str, Any]:
        is_tron = coin.family is Family.TRON
        result: dict[str, Any] = {
            "dest": as_daemon_names(coin, part.destination),
            "amount": str(part.amount) if is_tron else as_float(part.amount),
        }
        if outcome is Outcome.REFUSED:
            message = self.messages.get(part.destination.lower(), "execution reverted")
            return result | {"status": "error", "txids": [], "message": message}
        reverts = outcome is Outcome.REVERTS
        txid = new_txid(coin) if reverts else self.send(coin, part)
        is_noticed = reverts and coin.family is not Family.EVM  # whose daemon reads no receipt
        result |= {"status": "error" if is_noticed else "success", "txids": [txid]}
        if is_tron:
            result["details"] = _details(coin, txid, reverts=reverts)
        if is_noticed:
            is_token = coin.name != "TRX"
            result["message"] = (
                f"FAILED: {OUT_OF_ENERGY.encode().hex()}" if is_token else "contractResult: ['REVERT']"
            )
        return result


def _too_little(coin: Coin, needed: Decimal, held: Decimal) -> str:
    """What a daemon says whose wallet holds too little."""
    match coin.family:
        case Family.TRON:
            return f"Wallet balance is less than payout amount: {plain(held)} < {plain(needed)}"
        case Family.XRP:
            whole = plain(needed + RESERVE_OF_XRP)
            return (
                f"Have not enough crypto on fee account, need {whole} have {plain(held)}. Please note that {whole}"
                " includes 1 which is reserved by the account and cannot be sent"
                " and network fee for all transactions."
            )
        case Family.TON if coin.name == "TON":
            return (
                f"Have not enough crypto on fee account, need {plain(needed + NETWORK_FEE_OF_TON)} have {plain(held)}"
            )
        case _:
            return f"Have not enough tokens on fee account, need {plain(needed)} have {plain(held)}"


def _details(coin: Coin, txid: str, *, reverts: bool) -> dict[str, Any]:
    """The transaction as Tron's daemon shows it."""
    is_token = coin.name != "TRX"
    receipt: dict[str, Any] = {"energy_usage_total": 64285, "net_fee": 345000} if is_token else {"net_usage": 268}
    if reverts or is_token:
        receipt["result"] = "OUT_OF_ENERGY" if reverts else "SUCCESS"
    details = {
        "id": txid,
        "blockNumber": 64120811,
        "blockTimeStamp": 1719330338000,
        "contractResult": [f"{1:064}" if is_token and not reverts else ""],
        "fee": 13844850 if is_token else 1100000,
        "receipt": receipt,
    }
    if is_token:
        details["contract_address"] = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
    if reverts:
        details |= {"result": "FAILED", "resMessage": OUT_OF_ENERGY.encode().hex()}
    return details
