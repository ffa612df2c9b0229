"""The local SHKeeper's payouts: what it asks the daemons for, and what it has written down of each.

No I/O and no clock.

As in the real one the money goes first and is written down after, a batch is sent before anyone looks for duplicates
in it, what a daemon declines is written down all the same, and nothing older than a day is followed any more.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from providers.shkeeper.simulator.books.invoices import amount_in, text_in
from providers.shkeeper.simulator.books.payout_tasks import Outcome, Part, PayoutTasks, SentMoney, Task
from providers.shkeeper.simulator.notices import payout_notice
from providers.shkeeper.simulator.terms.coins import COINS, Coin, Family
from providers.shkeeper.simulator.terms.daemons import Daemons, State
from providers.shkeeper.simulator.terms.number_formats import stored
from providers.shkeeper.simulator.terms.refusals import RefusedError, ThrownError
from providers.shkeeper.simulator.terms.terms import Terms

__all__ = ["BookedPayout", "Outcome", "PayoutBooks", "SentMoney"]

FOLLOWED_FOR = timedelta(days=1)
# What SHKeeper asks of a payout's transaction; more than that has arrived.
CONFIRMATIONS_WANTED = 1
ADDRESS_LENGTHS_OF_MONERO = (95, 106)
CODES_OF_FIRO = {
    "Insufficient funds": -6,
    "Invalid Firo address": -5,
    "Error: Please enter the wallet passphrase with walletpassphrase first.": -13,
}
USUALLY_DECLINED_WITH = {
    Family.FIRO: "Insufficient funds",
    Family.MONERO: "not enough money",
    Family.LIGHTNING: "Payment error: 'no_route'",
}
CLASSES_WITHOUT_BATCHES = {Family.FIRO: "firo", Family.MONERO: "Monero", Family.LIGHTNING: "BitcoinLightning"}


@dataclass
class BookedPayout:
    """A payout that SHKeeper has written down."""

    payout_id: int
    external_id: str | None
    crypto: str
    destination: str
    amount: Decimal
    callback_url: str | None
    booked_at: datetime
    task_id: str | None = None
    status: str = "IN_PROGRESS"
    txids: list[str] = field(default_factory=list)
    sent_at: datetime | None = None

    def began(self, task_id: str | None, txids: list[str], now: datetime) -> None:
        """Its daemon has answered: with a task, a transaction or, when it declined, neither."""
        self.task_id, self.txids = task_id, txids
        self.sent_at = now if txids else None

    def notice(self, rate: Decimal) -> dict[str, Any]:
        """What is posted once it has arrived. Only the first of its transactions is named."""
        return payout_notice(
            payout_id=self.payout_id,
            external_id=self.external_id,
            crypto=self.crypto,
            amount=stored(self.amount),
            amount_fiat=stored(self.amount) * rate,
            txid=self.txids[0],
            at=self.booked_at,
        )


class PayoutBooks:
    """All payouts of the local SHKeeper, and the money that it sent."""

    def __init__(
        self,
        terms: Terms | None = None,
        daemons: Daemons | None = None,
        *,
        task_seconds: float,
        confirm_seconds: float,
        poll_seconds: float = 0,
    ) -> None:
        """A task runs for `task_seconds`; what it sent is confirmed `confirm_seconds` later. SHKeeper looks every
        `poll_seconds` what has become of tasks and transactions; 0 is at once."""
        self._terms = terms or Terms()
        self._daemons = daemons or Daemons()
        self._at_daemons = PayoutTasks(self._daemons, task_seconds=task_seconds, confirm_seconds=confirm_seconds)
        self._confirming_takes = timedelta(seconds=confirm_seconds)
        self.poll_seconds = poll_seconds
        self.reserves = False
        """Whether a payout is written down before its daemon is asked, as from August 2026 on: no name is taken twice
        then, and one whose daemon does not answer is FAIL, sent or not."""
        self._polled_at: datetime | None = None
        self.payouts: list[BookedPayout] = []

    @property
    def tasks(self) -> dict[str, Task]:
        return self._at_daemons.by_id

    @property
    def sent(self) -> list[SentMoney]:
        return self._at_daemons.sent

    @property
    def replaced(self) -> list[SentMoney]:
        """What was sent, and never arrives: a later transaction of the same wallet took its place."""
        return self._at_daemons.replaced

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """What is to become of money for a destination, in lower case; it arrives if nothing is said."""
        return self._at_daemons.outcomes

    @property
    def messages(self) -> dict[str, str]:
        """The words in which a daemon says that, by destination in lower case, if not the usual ones."""
        return self._at_daemons.messages

    @property
    def wallet(self) -> Callable[[str, str, Decimal], str] | None:
        """Really sends a coin's amount to a destination, and gives the transaction's hash; None: nobody does."""
        return self._at_daemons.wallet

    @wallet.setter
    def wallet(self, wallet: Callable[[str, str, Decimal], str] | None) -> None:
        self._at_daemons.wallet = wallet

    def balance(self, crypto: str) -> Decimal:
        """What the wallet of a coin holds."""
        return self._at_daemons.balance(crypto)

    # What SHKeeper is asked

    def pay_out(self, crypto: str, content: Any, now: datetime, *, writes_down: bool = True) -> dict[str, Any]:
        """`POST /{crypto}/payout`. `writes_down` False is a SHKeeper that dies between sending and writing down.
        Raises RefusedError."""
        coin = _coin(crypto)
        if not isinstance(content, dict):
            raise RefusedError(f"'{type(content).__name__}' object has no attribute 'get'")
        self._refuse_duplicate(crypto, content)
        _check_callback(content.get("callback_url"))
        part = _part(content, "destination")
        text_in(content, "fee")
        if "/" in part.destination and not coin.family.sends_at_once:
            # It has become a part of a path, at which the daemon has nothing but a page that is no JSON.
            raise RefusedError("Expecting value: line 1 column 1 (char 0)")
        reserved = [self._write_down(crypto, part, content.get("callback_url"), now)] if self.reserves else []
        with self._failing(reserved):
            state = self._daemons.ask(coin)
            words = self._declined(coin, [part], state)
            answer, task_id, txids = {} if words is None else _declined_answer(coin, words), None, list[str]()
            if words is None and coin.family.sends_at_once:
                txids = [self._at_daemons.send(coin, part)]
                answer = _sent_answer(coin, txids[0])
            elif words is None:
                task_id = self._at_daemons.begin(coin, [part], now)
                answer = {"task_id": task_id}
            if state is State.SENDS_AND_HANGS:
                raise self._daemons.timed_out()
        if writes_down or reserved:
            booked = reserved or [self._write_down(crypto, part, content.get("callback_url"), now)]
            booked[0].began(task_id, txids, now)
        return answer | ({"external_id": part.external_id} if part.external_id else {})

    def pay_out_many(self, crypto: str, content: Any, now: datetime, *, writes_down: bool = True) -> dict[str, Any]:
        """`POST /{crypto}/multipayout`: sends all, and only then looks for duplicates, unless it reserves. Raises
        RefusedError."""
        coin = _coin(crypto)
        if not isinstance(content, list):
            raise RefusedError("Expected an array of payouts")
        if coin.family.sends_at_once:
            raise RefusedError(f"'{CLASSES_WITHOUT_BATCHES[coin.family]}' object has no attribute 'multipayout'")
        parts = [_part(entry, "dest") for entry in content]
        reserved = self._write_all_down(crypto, parts, content, now) if self.reserves else []
        with self._failing(reserved):
            state = self._daemons.ask(coin)
            words = "Payout list is empty!" if not parts else self._declined(coin, parts, state)
            task_id = None if words is not None else self._at_daemons.begin(coin, parts, now)
            if state is State.SENDS_AND_HANGS:
                raise self._daemons.timed_out()
        for booked in reserved:
            booked.began(task_id, [], now)
        if writes_down and not reserved:
            self._write_all_down(crypto, parts, content, now, task_id)
        answer = {"task_id": task_id} if words is None else _declined_answer(coin, words)
        return answer | {"external_ids": [part.external_id for part in parts if part.external_id]}

    def task(self, crypto: str, task_id: str) -> dict[str, Any]:
        """`GET /{crypto}/task/{task_id}`. One that nobody knows is pending, as for every queue of this kind. Raises
        CrashedError."""
        self._daemons.ask_for_task(_coin(crypto))
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
            "amount": str(stored(payout.amount)),
            "destination": payout.destination,
            "txid": payout.txids[0] if payout.txids else None,
        }

    @contextmanager
    def _failing(self, reserved: Sequence[BookedPayout]) -> Iterator[None]:
        """Marks what was written down before as failed if its daemon does not answer."""
        try:
            yield
        except ThrownError:
            for payout in reserved:
                payout.status = "FAIL"
            raise

    def _declined(self, coin: Coin, parts: Sequence[Part], state: State) -> str | None:
        """The words in which a daemon declines payouts, if it does."""
        usual = USUALLY_DECLINED_WITH.get(coin.family, "authorization requred")  # as they spell it
        if state is State.ERRORS:
            return usual
        for part in parts:
            length = len(part.destination)
            if self._at_daemons.outcome_of(part.destination) is Outcome.DECLINED:
                return self.messages.get(part.destination.lower(), usual)
            if coin.family is Family.MONERO and length not in ADDRESS_LENGTHS_OF_MONERO:
                expected = "Address must be either 95 or 106 characters long base58-encoded string"
                return f"{expected}, is {part.destination} ({length} chars length)"
        return None

    # What SHKeeper does by itself

    def tick(self, now: datetime) -> list[BookedPayout]:
        """Does what is due by now; returns the payouts that have arrived since the last time."""
        self._at_daemons.run(now)
        every, self._polled_at = timedelta(seconds=self.poll_seconds), self._polled_at or now
        if not every:
            return self._poll(now) + self._poll(now)
        arrived: list[BookedPayout] = []
        while self._polled_at + every <= now:
            self._polled_at += every
            arrived += self._poll(now)
        return arrived

    def _poll(self, now: datetime) -> list[BookedPayout]:
        """Looks at each payout once: for its transaction, or, if that is known, whether it has arrived."""
        arrived = []
        for payout in self.payouts:
            if payout.status != "IN_PROGRESS" or now >= payout.booked_at + FOLLOWED_FOR:
                continue
            if self._daemons.by_coin[payout.crypto].state is not State.WELL:
                continue
            if not payout.txids:
                self._read_task(payout)
            elif self._arrives(payout, now):
                payout.status = "SUCCESS"
                arrived.append(payout)
        return arrived

    def _read_task(self, payout: BookedPayout) -> None:
        task = self.tasks.get(payout.task_id or "")
        if task is None or task.status == "PENDING":
            return
        if task.status == "FAILURE":
            payout.status = "FAIL"
            return
        # SHKeeper finds the result of a payout by its address, so two for one address both get the last, and one
        # that the daemon names otherwise gets none.
        txids = {result["dest"].lower(): result["txids"] for result in task.result}
        payout.txids = list(txids.get(payout.destination.lower(), ()))
        payout.sent_at = task.done_at

    def _arrives(self, payout: BookedPayout, now: datetime) -> bool:
        is_old_enough = payout.sent_at is not None and payout.sent_at + self._confirming_takes <= now
        confirmations = self._daemons.by_coin[payout.crypto].payout_confirmations
        outcome = self._at_daemons.outcome_of(payout.destination)
        # Of a transfer of an EVM chain's own coin the confirmations count, whatever its receipt says; a token's is
        # found by its log, of which a reverted one has none.
        coin = COINS[payout.crypto]
        is_counted = coin.family is Family.EVM and "-" not in coin.name
        is_replaced = any(money.txid in payout.txids for money in self.replaced)
        never = is_replaced or outcome is Outcome.UNCONFIRMED or (outcome is Outcome.REVERTS and not is_counted)
        return is_old_enough and confirmations > CONFIRMATIONS_WANTED and not never

    def _write_all_down(
        self,
        crypto: str,
        parts: Sequence[Part],
        content: Sequence[dict[str, Any]],
        now: datetime,
        task_id: str | None = None,
    ) -> list[BookedPayout]:
        """Stops at a duplicate: those before it are written down."""
        booked = []
        for part, entry in zip(parts, content, strict=True):
            self._refuse_duplicate(crypto, entry)
            booked.append(self._write_down(crypto, part, entry.get("callback_url"), now))
            booked[-1].began(task_id, [], now)
        return booked

    def _write_down(self, crypto: str, part: Part, callback_url: str | None, now: datetime) -> BookedPayout:
        booked = BookedPayout(
            payout_id=len(self.payouts) + 1,
            external_id=part.external_id,
            crypto=crypto,
            destination=part.destination,
            amount=part.amount,
            callback_url=callback_url,
            booked_at=now,
        )
        self.payouts.append(booked)
        return booked

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
    return Part(_external_id(content), text_in(content, destination), amount_in(content, "amount"))


def _check_callback(url: Any) -> None:
    if url is None:
        return
    parts = urlsplit(str(url))
    if not parts.scheme or not parts.netloc:
        raise RefusedError(f"Invalid callback_url: {url}")
    if parts.scheme not in ("http", "https"):
        raise RefusedError(f"Invalid callback_url scheme: {url}")


def _sent_answer(coin: Coin, txid: str) -> dict[str, Any]:
    """The answer of a wallet that sends at once."""
    answer = {"result": [txid] if coin.family is Family.MONERO else txid, "error": None}
    return answer | ({"id": "shkeeper"} if coin.family is Family.FIRO else {})


def _declined_answer(coin: Coin, words: str) -> dict[str, Any]:
    """The answer when a daemon declines: with 200, and in one of three shapes."""
    if coin.family is Family.FIRO:
        error = {"code": CODES_OF_FIRO.get(words, -1), "message": words}
        return {"result": None, "error": error, "id": "shkeeper"}
    if coin.family.sends_at_once:
        return {"result": None, "error": {"message": words}}
    return {"status": "error", "msg": words}
