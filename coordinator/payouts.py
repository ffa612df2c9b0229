"""Payouts: what is known of one, and the status that follows from it.

As with payments, what is known (`PayoutFacts`) only grows, so the order and repetition of observations make no
difference; the status is read off it by `PAYOUT_STATUS_RULES`, and `PAYOUT_TRANSITIONS` lists the moves it may make.

A payout is asked for once. That an attempt is made is written down before the provider hears of it, so that whoever
comes after a crash knows that the money may be on its way; only an attempt that certainly did not reach the provider
is followed by another.

A payout on a chain that is watched completes by what the chain shows, never by what a provider says alone.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from propcache.api import cached_property
from pydantic import AwareDatetime

from coordinator.ids import Id
from coordinator.models import FrozenModel
from coordinator.money import ZERO, Amount, PositiveAmount, excess_over, format_amount, total
from coordinator.observations import Sighting, Stage

__all__ = [
    "OVERDUE_AFTER",
    "PAYOUT_STATUS_RULES",
    "PAYOUT_TRANSITIONS",
    "STATUSES_TO_RESOLVE",
    "UNSETTLED_STATUSES",
    "Payout",
    "PayoutFacts",
    "PayoutStatus",
    "Verification",
    "batches",
]


# SHKeeper itself follows a payout for a day, and then never again.
OVERDUE_AFTER = timedelta(days=1)
# The sums of some transfers out of many double with each. This is enough for any of nine, and for all of more.
SUMS_LIMIT = 512


class PayoutStatus(StrEnum):
    """Where a payout stands, as `payout-updated` says it."""

    CREATED = "created"
    AMBIGUOUS = "ambiguous"
    """It was asked for, and no answer says whether it was sent. It is never asked for again by itself."""
    BROADCAST = "broadcast"
    CONFIRMING = "confirming"
    MISMATCH = "mismatch"
    """What its transactions do on the chain is not what was asked for; a person has to look."""
    DROPPED = "dropped"
    """Its transaction never came into a block, and will not; a person has to say what is to be done."""
    COMPLETED = "completed"
    FAILED = "failed"


UNSETTLED_STATUSES = tuple(
    status for status in PayoutStatus if status not in (PayoutStatus.COMPLETED, PayoutStatus.FAILED)
)
"""Of payouts that something is still to be found out about."""

STATUSES_TO_RESOLVE = (PayoutStatus.AMBIGUOUS, PayoutStatus.MISMATCH, PayoutStatus.DROPPED)
"""Of payouts that go on only when a person has found out what became of them."""


class Verification(StrEnum):
    """What the chain says of a payout."""

    PENDING = "pending"
    VERIFIED = "verified"
    """Transactions that are final pay just the amount to the destination."""
    MISMATCH = "mismatch"


class PayoutFacts(FrozenModel):
    """All that is known of one payout. Every part only grows."""

    attempts: int = 0
    """How often the provider was, or was about to be, asked to send it."""
    void_attempts: frozenset[int] = frozenset()
    """Those that certainly did not reach it."""
    task_id: str | None = None
    known: bool = False
    """The provider has it in its books, or has spoken of it."""
    unclear: frozenset[str] = frozenset()
    """Why it is not known what became of the question."""
    tx_hashes: tuple[str, ...] = ()
    confirmed: bool = False
    failures: frozenset[str] = frozenset()
    sightings: tuple[Sighting, ...] = ()
    """The last of each transfer on the chain that carries it, or should; in order of its id."""
    settled: frozenset[str] = frozenset()
    """Who has made sure that it arrived, and how."""


class Payout(FrozenModel):
    """Money that leaves for a seller, for a payment whose escrow holds it."""

    payout_id: str
    provider: str
    payment_id: str
    seller_id: str
    destination: Id
    """The address that it goes to."""
    coin: str
    amount: PositiveAmount
    """Of the coin."""
    fee: Amount | None = None
    """What the sender sets for the network, where a coin needs that."""
    created_at: AwareDatetime
    batch_id: str | None = None
    """Equal for payouts that may be sent in one question."""
    chain: Id | None = None
    """The chain on which it is followed to its end; None if it goes over none that is watched."""
    sender: Id | None = None
    """The wallet that sends it, if it is told by that and not by its transaction."""
    facts: PayoutFacts = PayoutFacts()

    @property
    def status(self) -> PayoutStatus:
        return next(status for status, applies in PAYOUT_STATUS_RULES if applies(self))

    @property
    def next_attempt(self) -> int | None:
        """The number of the next attempt to ask the provider; None if an earlier one may have reached it, because
        then the money may be on its way."""
        facts = self.facts
        if facts.known or facts.failures or facts.void_attempts != frozenset(range(1, facts.attempts + 1)):
            return None
        return facts.attempts + 1

    @property
    def task_id(self) -> str:
        """The provider's task; where it has none, or never told, the payout's own id stands in for it."""
        return self.facts.task_id or self.payout_id

    @property
    def tx_hash(self) -> str | None:
        """The transaction that carried it, as far as that is known."""
        final = [sighting.transfer.tx_hash for sighting in self.sighted(Stage.FINAL)]
        return next(iter((*final, *self.facts.tx_hashes)), None)

    def sighted(self, *stages: Stage) -> tuple[Sighting, ...]:
        """The transfers on the chain that have come just so far."""
        return tuple(sighting for sighting in self.facts.sightings if sighting.stage in stages)

    @property
    def awaited(self) -> Sighting | None:
        """Of the transfers that a block holds and that are not final, the one with the fewest confirmations."""
        return min(self.sighted(Stage.MINED), key=lambda sighting: sighting.confirmations, default=None)

    @property
    def unsighted(self) -> tuple[str, ...]:
        """Transactions that should carry it, and that the chain has not shown yet."""
        sighted = {_bare(sighting.transfer.tx_hash) for sighting in self.facts.sightings}
        return tuple(tx_hash for tx_hash in self.facts.tx_hashes if _bare(tx_hash) not in sighted)

    @cached_property
    def verification(self) -> Verification | None:
        """What the chain says of it; None if it goes over none that is watched."""
        if self.chain is None:
            return None
        final = self.sighted(Stage.FINAL)
        # What has arrived is not made undone by more that comes, so any of the transfers may make up the amount.
        paid, sums = total(sighting.transfer.amount for sighting in final), {ZERO}
        for sighting in final:
            more = {total([one, sighting.transfer.amount]) for one in sums if len(sums) <= SUMS_LIMIT}
            sums |= {one for one in more if one <= self.amount}
        if self.amount in sums or paid == self.amount:
            return Verification.VERIFIED
        more_may_come = bool(self.unsighted or self.sighted(Stage.SEEN, Stage.MINED, Stage.REORGANISED))
        if paid > self.amount or ((final or self.sighted(Stage.FAILED)) and not more_may_come):
            return Verification.MISMATCH
        return Verification.PENDING

    @property
    def excess(self) -> Decimal:
        """What its transactions paid above the amount."""
        return excess_over(total(sighting.transfer.amount for sighting in self.sighted(Stage.FINAL)), self.amount)

    @property
    def is_dropped(self) -> bool:
        """Whether all of its transactions are gone from the chain for good."""
        dropped = self.sighted(Stage.DROPPED)
        return bool(dropped) and len(dropped) == len(self.facts.sightings) and not self.unsighted

    @property
    def has_arrived(self) -> bool:
        if self.facts.settled:
            return True
        return self.facts.confirmed if self.chain is None else self.verification is Verification.VERIFIED

    @property
    def is_settled(self) -> bool:
        """Whether there is nothing left to find out about it."""
        return self.status not in UNSETTLED_STATUSES

    def is_overdue(self, now: datetime) -> bool:
        """Whether it is not settled although it should have been for long, so that a person should look."""
        return not self.is_settled and now > self.created_at + OVERDUE_AFTER

    def may_be_resolved(self, now: datetime) -> bool:
        """Whether a person may say what became of it."""
        return self.status in STATUSES_TO_RESOLVE or self.is_overdue(now)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it failed, or is ambiguous, or is not on the chain what it should be, or was paid more than once."""
        match self.status:
            case PayoutStatus.MISMATCH:
                return self._mismatches
            case PayoutStatus.DROPPED:
                return _told(self.sighted(Stage.DROPPED))
            case PayoutStatus.COMPLETED:
                return self._mismatches if self.excess else ()
        return tuple(sorted(self.facts.failures or self.facts.unclear))

    @property
    def _mismatches(self) -> tuple[str, ...]:
        paid = tuple(
            f"{sighting.transfer.tx_hash} pays {format_amount(sighting.transfer.amount)} {sighting.transfer.asset}"
            f" of {format_amount(self.amount)}"
            for sighting in self.sighted(Stage.FINAL)
        )
        return (*paid, *_told(self.sighted(Stage.FAILED)))


def _bare(tx_hash: str) -> str:
    """The hash as all can agree on it: providers write it in capitals or without `0x`."""
    return tx_hash.casefold().removeprefix("0x")


def _told(sightings: Iterable[Sighting]) -> tuple[str, ...]:
    return tuple(f"{sighting.transfer.tx_hash}: {sighting.reason}" for sighting in sightings)


# The first rule that applies gives the status. That it arrived outranks whatever else was said of it.
PAYOUT_STATUS_RULES: tuple[tuple[PayoutStatus, Callable[[Payout], bool]], ...] = (
    (PayoutStatus.COMPLETED, lambda payout: payout.has_arrived and bool(payout.facts.tx_hashes)),
    (PayoutStatus.FAILED, lambda payout: bool(payout.facts.failures)),
    (PayoutStatus.MISMATCH, lambda payout: payout.verification is Verification.MISMATCH),
    (PayoutStatus.DROPPED, lambda payout: payout.is_dropped),
    (PayoutStatus.CONFIRMING, lambda payout: bool(payout.sighted(Stage.MINED, Stage.FINAL))),
    (PayoutStatus.CONFIRMING, lambda payout: payout.chain is not None and payout.facts.confirmed),
    (PayoutStatus.BROADCAST, lambda payout: bool(payout.facts.tx_hashes)),
    (PayoutStatus.AMBIGUOUS, lambda payout: bool(payout.facts.unclear) and not payout.facts.known),
    (PayoutStatus.CREATED, lambda payout: True),
)

_ENDS = {PayoutStatus.MISMATCH, PayoutStatus.DROPPED, PayoutStatus.COMPLETED, PayoutStatus.FAILED}
_ON_CHAIN = {PayoutStatus.BROADCAST, PayoutStatus.CONFIRMING, PayoutStatus.MISMATCH, PayoutStatus.DROPPED}

# From each status, the statuses that one observation can lead to. What a chain takes back leads from `confirming`
# back to `broadcast`; another transaction leads out of `mismatch` and `dropped`; nothing leaves `completed`.
PAYOUT_TRANSITIONS: Mapping[PayoutStatus, frozenset[PayoutStatus]] = {
    PayoutStatus.CREATED: frozenset(
        {PayoutStatus.AMBIGUOUS, PayoutStatus.BROADCAST, PayoutStatus.CONFIRMING} | _ENDS
    ),
    PayoutStatus.AMBIGUOUS: frozenset(
        {PayoutStatus.CREATED, PayoutStatus.BROADCAST, PayoutStatus.CONFIRMING} | _ENDS
    ),
    **{
        status: frozenset((_ON_CHAIN | {PayoutStatus.COMPLETED, PayoutStatus.FAILED}) - {status})
        for status in _ON_CHAIN
    },
    PayoutStatus.FAILED: frozenset({PayoutStatus.COMPLETED}),
    PayoutStatus.COMPLETED: frozenset(),
}


def batches(payouts: Iterable[Payout]) -> list[list[Payout]]:
    """Groups payouts into questions: those of one batch in one coin together, unless two go to the same address or
    one has a fee of its own. Some providers tell the parts of a question apart by their addresses alone."""
    together: list[list[Payout]] = []
    for payout in payouts:
        fitting = (
            batch
            for batch in together
            if payout.batch_id is not None
            and payout.fee is None
            and batch[0].fee is None
            and (batch[0].batch_id, batch[0].provider, batch[0].coin)
            == (payout.batch_id, payout.provider, payout.coin)
            and payout.destination.casefold() not in {other.destination.casefold() for other in batch}
        )
        batch = next(fitting, None)
        if batch is None:
            together.append([payout])
        else:
            batch.append(payout)
    return together
