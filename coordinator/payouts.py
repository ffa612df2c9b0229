"""Payouts: what is known of one, the status that follows from it, and the events that tell of a change.

As with payments, what is known (`PayoutFacts`) only grows, so the order and repetition of observations make no
difference; the status is read off it by `PAYOUT_STATUS_RULES`, and `PAYOUT_TRANSITIONS` lists the moves it may make.

A payout is asked for once. That an attempt is made is written down before the provider hears of it, so that whoever
comes after a crash knows that the money may be on its way; only an attempt that certainly did not reach the provider
is followed by another.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from coordinator.events import Event
from coordinator.ids import Id
from coordinator.models import FrozenModel
from coordinator.money import Amount, PositiveAmount
from coordinator.payments import Effect, IllegalTransitionError
from coordinator.payout_events import PayoutCompleted, PayoutCreated, PayoutUpdated

__all__ = [
    "PAYOUT_STATUS_RULES",
    "PAYOUT_TRANSITIONS",
    "Payout",
    "PayoutAccepted",
    "PayoutAsked",
    "PayoutConfirmed",
    "PayoutDecision",
    "PayoutFacts",
    "PayoutFailed",
    "PayoutKnown",
    "PayoutNotAsked",
    "PayoutObservation",
    "PayoutSent",
    "PayoutStatus",
    "PayoutUnclear",
    "batches",
    "decide_payout",
]


# SHKeeper itself follows a payout for a day, and then never again.
OVERDUE_AFTER = timedelta(days=1)


class PayoutStatus(StrEnum):
    """Where a payout stands, as `payout-updated` says it."""

    CREATED = "created"
    AMBIGUOUS = "ambiguous"
    """It was asked for, and no answer says whether it was sent. It is never asked for again by itself."""
    BROADCAST = "broadcast"
    CONFIRMING = "confirming"
    COMPLETED = "completed"
    FAILED = "failed"


class PayoutAsked(FrozenModel):
    """The provider is about to be asked to send it."""

    kind: Literal["payout-asked"] = "payout-asked"
    attempt: int = Field(1, ge=1)


class PayoutNotAsked(FrozenModel):
    """An attempt to ask certainly did not reach the provider, so nothing came of it."""

    kind: Literal["payout-not-asked"] = "payout-not-asked"
    attempt: int = Field(ge=1)
    reason: str


class PayoutAccepted(FrozenModel):
    """The provider has taken it on, and calls it by a task's name."""

    kind: Literal["payout-accepted"] = "payout-accepted"
    task_id: Id


class PayoutKnown(FrozenModel):
    """The provider, asked about it, has it in its books."""

    kind: Literal["payout-known"] = "payout-known"


class PayoutUnclear(FrozenModel):
    """The provider was asked to send it, and what it answered, if anything, does not say whether it did."""

    kind: Literal["payout-unclear"] = "payout-unclear"
    reason: str


class PayoutSent(FrozenModel):
    """Transactions that carry it."""

    kind: Literal["payout-sent"] = "payout-sent"
    tx_hashes: tuple[Id, ...] = Field(min_length=1)


class PayoutConfirmed(FrozenModel):
    """It has arrived."""

    kind: Literal["payout-confirmed"] = "payout-confirmed"


class PayoutFailed(FrozenModel):
    """It was certainly not sent, or did not arrive."""

    kind: Literal["payout-failed"] = "payout-failed"
    reason: str


PayoutObservation = Annotated[
    PayoutAsked
    | PayoutNotAsked
    | PayoutAccepted
    | PayoutKnown
    | PayoutUnclear
    | PayoutSent
    | PayoutConfirmed
    | PayoutFailed,
    Field(discriminator="kind"),
]


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
    facts: PayoutFacts = PayoutFacts()

    @property
    def status(self) -> PayoutStatus:
        return next(status for status, applies in PAYOUT_STATUS_RULES if applies(self.facts))

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
    def is_settled(self) -> bool:
        """Whether there is nothing left to ask the provider about."""
        return self.status in (PayoutStatus.COMPLETED, PayoutStatus.FAILED)

    def is_overdue(self, now: datetime) -> bool:
        """Whether it is not settled although it should have been for long, so that a person should look."""
        return not self.is_settled and now > self.created_at + OVERDUE_AFTER

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it failed, or is ambiguous."""
        return tuple(sorted(self.facts.failures or self.facts.unclear))


# The first rule that applies gives the status. That it arrived outranks whatever else was said of it.
PAYOUT_STATUS_RULES: tuple[tuple[PayoutStatus, Callable[[PayoutFacts], bool]], ...] = (
    (PayoutStatus.COMPLETED, lambda facts: facts.confirmed and bool(facts.tx_hashes)),
    (PayoutStatus.FAILED, lambda facts: bool(facts.failures)),
    (PayoutStatus.BROADCAST, lambda facts: bool(facts.tx_hashes)),
    (PayoutStatus.AMBIGUOUS, lambda facts: bool(facts.unclear) and not facts.known),
    (PayoutStatus.CREATED, lambda facts: True),
)

PAYOUT_TRANSITIONS: Mapping[PayoutStatus, frozenset[PayoutStatus]] = {
    PayoutStatus.CREATED: frozenset(
        {PayoutStatus.AMBIGUOUS, PayoutStatus.BROADCAST, PayoutStatus.COMPLETED, PayoutStatus.FAILED}
    ),
    PayoutStatus.AMBIGUOUS: frozenset({PayoutStatus.CREATED, PayoutStatus.BROADCAST, PayoutStatus.FAILED}),
    PayoutStatus.BROADCAST: frozenset({PayoutStatus.COMPLETED, PayoutStatus.FAILED}),
    PayoutStatus.FAILED: frozenset({PayoutStatus.COMPLETED}),
    PayoutStatus.COMPLETED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class PayoutDecision:
    """What an observation makes of a payout."""

    payout: Payout
    effect: Effect
    events: tuple[Event, ...] = ()


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


def decide_payout(payout: Payout, observation: PayoutObservation) -> PayoutDecision:
    """Merges one observation into a payout.

    An observation that says nothing new changes nothing and emits nothing. Raises IllegalTransitionError only if
    this module contradicts itself.
    """
    facts = _merge(payout.facts, observation)
    if facts == payout.facts:
        return PayoutDecision(payout, Effect.UNCHANGED)
    moved = payout.model_copy(update={"facts": facts})
    if moved.status != payout.status and moved.status not in PAYOUT_TRANSITIONS[payout.status]:
        raise IllegalTransitionError(f"a payout cannot go from {payout.status} to {moved.status}")
    return PayoutDecision(moved, Effect.APPLIED, tuple(_events(payout, moved)))


def _merge(facts: PayoutFacts, observation: PayoutObservation) -> PayoutFacts:
    changes: dict[str, object]
    match observation:
        case PayoutAsked(attempt=attempt):
            changes = {"attempts": max(facts.attempts, attempt)}
        case PayoutNotAsked(attempt=attempt):
            changes = {
                "attempts": max(facts.attempts, attempt),
                "void_attempts": facts.void_attempts | {attempt},
            }
        case PayoutAccepted(task_id=task_id):
            known = task_id if facts.task_id is None else min(facts.task_id, task_id)
            changes = {"known": True, "task_id": known}
        case PayoutKnown():
            changes = {"known": True}
        case PayoutUnclear(reason=reason):
            changes = {"unclear": facts.unclear | {reason}}
        case PayoutSent(tx_hashes=tx_hashes):
            changes = {"known": True, "tx_hashes": tuple(sorted({*facts.tx_hashes, *tx_hashes}))}
        case PayoutConfirmed():
            changes = {"known": True, "confirmed": True}
        case PayoutFailed(reason=reason):
            changes = {"failures": facts.failures | {reason}}
    return facts.model_copy(update=changes)


def _events(before: Payout, after: Payout) -> list[Event]:
    parties = {"sellerId": after.seller_id}
    events: list[Event] = []
    if after.facts.known and not before.facts.known:
        events.append(
            PayoutCreated(
                payout_id=after.payout_id,
                task_id=after.task_id,
                seller_id=after.seller_id,
                amount=after.amount,
                currency=after.coin,
            ).to(**parties)
        )
    if after.status != before.status:
        events.append(PayoutUpdated(payout_id=after.payout_id, status=after.status).to(**parties))
        if after.status is PayoutStatus.COMPLETED:
            events.append(
                PayoutCompleted(
                    payout_id=after.payout_id, task_id=after.task_id, tx_hash=after.facts.tx_hashes[0]
                ).to(**parties)
            )
    return events
