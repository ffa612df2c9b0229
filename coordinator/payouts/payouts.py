"""Payouts: what is known of one, and the status that follows from it.

As with payments, what is known (`PayoutFacts`) only grows, so the order and repetition of observations make no
difference; the status is derived from it by `PAYOUT_STATUS_RULES`, and `PAYOUT_TRANSITIONS` in `statuses.py` lists
the moves it may make.

A payout is asked for once. Each attempt is recorded before the provider is asked, so that after a crash it is known
that the money may be on its way; another attempt follows only one that certainly did not reach the provider.

A payout on a chain that is followed completes by what the chain shows, never by what a provider says alone.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from pydantic import AwareDatetime, Field

from coordinator.ids import StoredId
from coordinator.models import FrozenModel, cached_property
from coordinator.money import ZERO, Amount, PositiveAmount, excess_over, format_amount, total, trimmed
from coordinator.payments.observed.observations import Sighting, Stage
from coordinator.payments.observed.transfers import transfer_key
from coordinator.payouts.facts import PayoutFacts, PutOff
from coordinator.payouts.repeated_reports import payments_reported, repeated_reports
from coordinator.payouts.statuses import STATUSES_TO_RESOLVE, UNSETTLED_STATUSES, PayoutStatus

__all__ = [
    "DESTINATION_LIMIT_CHARACTERS",
    "PAYOUT_STATUS_RULES",
    "Payout",
    "PayoutFacts",
    "Verification",
]


# A Lightning invoice has 260 to 400 characters, and may have more.
DESTINATION_LIMIT_CHARACTERS = 1_000
# Of a payout whose provider does not say how long it may take. SHKeeper itself follows one for a day, and then never
# again.
OVERDUE_AFTER = timedelta(days=1)
# The sums of some transfers out of many double with each. This is enough for any of nine, and for all of more.
SUMS_LIMIT = 512


class Verification(StrEnum):
    """What the chain says of a payout."""

    PENDING = "pending"
    VERIFIED = "verified"
    """Transactions that are final pay just the amount to the destination."""
    MISMATCH = "mismatch"


class Payout(FrozenModel):
    """Money that leaves for a seller, for a payment whose escrow holds it; or for the buyer, if it carries a
    refund."""

    payout_id: str
    provider: str
    payment_id: str
    seller_id: str
    """Of a refund the one out of whose share it is, if it is out of one."""
    refund_id: StoredId | None = None
    """The refund that it carries."""
    buyer_id: StoredId | None = None
    """Whom it pays, if it carries a refund."""
    destination: str = Field(max_length=DESTINATION_LIMIT_CHARACTERS)
    """The address that it goes to."""
    coin: str
    amount: PositiveAmount
    """Of the coin."""
    fee: Amount | None = None
    """What the sender sets for the network, where a coin needs that."""
    worth: Amount | None = None
    """What the amount counts for in the payment's currency; None if that was not written down."""
    worth_currency: StoredId | None = None
    """The payment's currency, of `worth`."""
    asked_by: StoredId | None = None
    """Who wanted it sent: the person, or the service where no person was named. None if that was not written down."""
    asked_through: StoredId | None = None
    """The service that asked for it; None where services have no names, or where a person asked in the console."""
    created_at: AwareDatetime
    batch_id: str | None = None
    """Equal for payouts that may be sent in one question."""
    chain: StoredId | None = None
    """The chain on which it is followed to its end; None if it goes over none that is watched."""
    sender: StoredId | None = None
    """The wallet that sends it, if it is told by that and not by its transaction."""
    facts: PayoutFacts = PayoutFacts()

    @property
    def status(self) -> PayoutStatus:
        return next(status for status, applies in PAYOUT_STATUS_RULES if applies(self))

    @property
    def payee_id(self) -> str:
        """Whom it pays."""
        return self.buyer_id or self.seller_id

    @property
    def external_id(self) -> str | None:
        """The provider's name for it; None before it is asked for, and where another has it by now."""
        named = self.facts.external_ids
        name = named[max(named)] if named else None
        return None if name in self.facts.passed_on else name

    def holds(self, name: str) -> bool:
        """Whether no other payout may be asked for by this name, because this one is under it in the provider's
        books, or may come to be. Not if the books show something else under it."""
        may_be_booked = name == self.external_id and not self.is_settled and not self.facts.contradictions
        return name in self.facts.booked or may_be_booked

    @property
    def is_unasked(self) -> bool:
        """Whether nobody was asked to send it, or all requests certainly failed."""
        facts = self.facts
        in_vain = facts.void_attempts == frozenset(range(1, facts.attempts + 1))
        return in_vain and not (facts.known or facts.failures)

    @property
    def is_only_expected(self) -> bool:
        """Whether a wallet that nobody here asks is to send it, and nothing of that was seen."""
        return self.sender is not None and self.status is PayoutStatus.CREATED and not self.facts.tx_hashes

    @property
    def next_attempt(self) -> int | None:
        """The number of the next attempt to ask; None while it awaits approval, or if one may have got through."""
        return self.facts.attempts + 1 if self.is_unasked and not self.awaits_approval else None

    @property
    def delayed_by(self) -> PutOff | None:
        """Why it cannot be asked for, if it is to be."""
        return None if self.next_attempt is None else self.facts.put_off

    @property
    def unanswered_attempt(self) -> int | None:
        """The attempt to ask the provider of which no outcome was written down."""
        facts = self.facts
        answers = (facts.known, facts.unclear, facts.doubts, facts.failures, facts.contradictions)
        return None if self.is_unasked or any(answers) else facts.attempts

    @property
    def awaits_approval(self) -> bool:
        """Whether nothing is sent until somebody approves it."""
        is_approved = {*self.facts.approved_reasons} >= {*self.facts.withheld}
        return not (is_approved or self.facts.failures or self.facts.known)

    @property
    def approval_reasons(self) -> tuple[str, ...]:
        """Why it awaits approval, without what was approved before; or why it had to be approved."""
        known = self.facts.approved_reasons if self.awaits_approval else ()
        return tuple(reason for reason in self.facts.withheld if reason not in known)

    @property
    def cleared_at(self) -> datetime | None:
        """Since when it may be sent: since it was asked for, or last approved. None while it awaits approval."""
        if self.awaits_approval:
            return None
        approved = self.facts.approved
        return self.created_at if approved is None else approved.at

    @property
    def goes_alone(self) -> bool:
        """Whether it may not be asked for together with others: it was, and all were refused."""
        return self.batch_id is None or self.fee is not None or bool(self.facts.refused_attempts)

    @property
    def has_task_alone(self) -> bool:
        """Whether the provider's task is for nothing else."""
        parts = self.facts.parts
        return self.batch_id is None if parts is None else parts == 1

    @property
    def shown_task_id(self) -> str:
        """The provider's task; where it has none, or never told, the payout's own id stands in for it."""
        return self.facts.task_id or self.payout_id

    @property
    def tx_hash(self) -> str | None:
        """The transaction that carried it, as far as that is known."""
        final = [sighting.transfer.tx_hash for sighting in self.sighted(Stage.FINAL)]
        return next(iter((*final, *self.live_hashes, *self.facts.tx_hashes)), None)

    @property
    def live_hashes(self) -> tuple[str, ...]:
        """Its transactions, without those that moved none of its money."""
        return _without(self.facts.tx_hashes, *self.facts.reverted_hashes, *self.facts.disowned_hashes)

    @property
    def said_to_have_failed(self) -> tuple[str, ...]:
        """Its transactions that moved nothing, at the word of a person, where the provider alone says that they
        did."""
        carried = set(map(transfer_key, self.facts.tx_hashes))
        return tuple(tx_hash for tx_hash in self.facts.returns if transfer_key(tx_hash) in carried)

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
        sighted = {transfer_key(sighting.transfer.tx_hash) for sighting in self.facts.sightings}
        return tuple(tx_hash for tx_hash in self.facts.tx_hashes if transfer_key(tx_hash) not in sighted)

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
        paid = total(sighting.transfer.amount for sighting in self.sighted(Stage.FINAL))
        return Decimal(trimmed(excess_over(paid, self.amount)))

    @property
    def payments_reported(self) -> int:
        """How often the provider says that its whole amount left: by transactions that have nothing to do with each
        other, or by several records under one name."""
        came_to_nothing = [one.transfer.tx_hash for one in self.sighted(Stage.DROPPED, Stage.FAILED)]
        nothing = (*came_to_nothing, *self.facts.reverted_hashes, *self.facts.disowned_hashes)
        return payments_reported(self.facts, but=nothing)

    @property
    def is_dropped(self) -> bool:
        """Whether all of its transactions are gone from the chain for good."""
        dropped = self.sighted(Stage.DROPPED)
        return bool(dropped) and len(dropped) == len(self.facts.sightings) and not self.unsighted

    @property
    def has_arrived(self) -> bool:
        facts = self.facts
        if facts.settled:
            return True
        if self.chain is not None:
            return self.verification is Verification.VERIFIED
        # To a provider a transaction has arrived that is deep enough in the chain, whether it moved anything or not.
        return facts.confirmed and (not facts.tx_hashes or bool(_without(facts.tx_hashes, *facts.reverted_hashes)))

    @property
    def is_traced(self) -> bool:
        """Whether it is known what carried it, if anything has to."""
        return self.facts.over_no_chain or bool(self.facts.tx_hashes)

    @property
    def is_settled(self) -> bool:
        """Whether there is nothing left to find out about it."""
        return self.status not in UNSETTLED_STATUSES

    @property
    def overdue_at(self) -> datetime | None:
        """From when on it takes too long; None while it awaits approval."""
        expected = self.facts.expected_within_seconds
        wait = OVERDUE_AFTER if expected is None else timedelta(seconds=expected)
        if self.cleared_at is None:
            return None
        return self.cleared_at + wait if self.delayed_by is None else self.delayed_by.at

    def is_overdue(self, now: datetime) -> bool:
        """Whether it is not settled although it should have been for long, so that a person should look."""
        return not self.is_settled and self.overdue_at is not None and now > self.overdue_at

    @property
    def was_sent_after_all(self) -> bool:
        """Whether it was found to have failed, and its money was then seen to move. It may have been paid twice."""
        return bool(self.facts.failures) and (self.has_arrived or bool(self.live_hashes))

    @property
    def was_paid_twice(self) -> bool:
        """Whether more than its amount arrived, after that or beside it, or is said to have left."""
        is_verified = self.verification is Verification.VERIFIED
        is_more = (is_verified and bool(self.excess)) or self.payments_reported > 1
        return self.status is PayoutStatus.COMPLETED and is_more

    @property
    def ended_in_doubt(self) -> bool:
        """Whether it has ended in a way that a person should look at."""
        is_doubted = self.was_sent_after_all or self.was_paid_twice or bool(self.facts.contradictions)
        return self.is_settled and is_doubted

    def may_be_resolved(self, now: datetime) -> bool:
        """Whether a person may say what became of it."""
        was_unclear = bool(self.facts.unclear or self.facts.doubts) and not self.is_settled
        return self.status in STATUSES_TO_RESOLVE or was_unclear or self.is_overdue(now)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it failed, or is ambiguous, or is not on the chain what it should be, or was paid more than once."""
        match self.status:
            case PayoutStatus.MISMATCH:
                return (*sorted(self.facts.contradictions), *self._after_all, *self._mismatches)
            case PayoutStatus.DROPPED:
                return _reported(self.sighted(Stage.DROPPED))
            case PayoutStatus.COMPLETED:
                mismatches = self._mismatches if self.excess else ()
                again = repeated_reports(self.facts, self.provider, self.payments_reported)
                return (*sorted(self.facts.contradictions), *self._after_all, *again, *mismatches)
            case PayoutStatus.RETURNED:
                failed = [f"{tx_hash} failed on the chain, and moved nothing" for tx_hash in self.said_to_have_failed]
                others = _without(self.facts.returns, *self.said_to_have_failed)
                back = (f"{tx_hash} brought it back" for tx_hash in others)
                return (*failed, *back, *self.facts.return_reasons)
        if self.delayed_by is not None:
            return (self.delayed_by.reason,)
        return tuple(sorted(self.facts.failures or self.facts.unclear | self.facts.doubts))

    @property
    def _after_all(self) -> tuple[str, ...]:
        if not self.was_sent_after_all:
            return ()
        carried = ", ".join(self.live_hashes) or "a transfer that is not named"
        return tuple(f"{reason}; and yet {carried} carries it" for reason in sorted(self.facts.failures))

    @property
    def _mismatches(self) -> tuple[str, ...]:
        paid = tuple(
            f"{sighting.transfer.tx_hash} pays {format_amount(sighting.transfer.amount)} {sighting.transfer.asset}"
            f" of {format_amount(self.amount)}" + ("" if sighting.sender is None else f", sent by {sighting.sender}")
            for sighting in self.sighted(Stage.FINAL)
        )
        return (*paid, *_reported(self.sighted(Stage.FAILED)))


def _without(tx_hashes: Iterable[str], *others: str) -> tuple[str, ...]:
    keys = {transfer_key(tx_hash) for tx_hash in others}
    return tuple(tx_hash for tx_hash in tx_hashes if transfer_key(tx_hash) not in keys)


def _reported(sightings: Iterable[Sighting]) -> tuple[str, ...]:
    return tuple(
        f"{one.transfer.tx_hash}: {one.reason}" + ("" if one.sender is None else f" (signed by {one.sender})")
        for one in sightings
    )


# The first rule that applies gives the status. That it arrived outranks whatever else was said of it, but that it was
# sent back; and a transaction that moves its money outranks whoever found that it failed.
PAYOUT_STATUS_RULES: tuple[tuple[PayoutStatus, Callable[[Payout], bool]], ...] = (
    (PayoutStatus.RETURNED, lambda payout: bool(payout.facts.returns)),
    (PayoutStatus.COMPLETED, lambda payout: payout.has_arrived and payout.is_traced),
    (PayoutStatus.FAILED, lambda payout: bool(payout.facts.failures) and not payout.live_hashes),
    (PayoutStatus.MISMATCH, lambda payout: bool(payout.facts.failures or payout.facts.contradictions)),
    (PayoutStatus.MISMATCH, lambda payout: payout.verification is Verification.MISMATCH),
    (PayoutStatus.DROPPED, lambda payout: payout.is_dropped),
    (PayoutStatus.CONFIRMING, lambda payout: bool(payout.sighted(Stage.MINED, Stage.FINAL))),
    (PayoutStatus.CONFIRMING, lambda payout: payout.chain is not None and payout.facts.confirmed),
    (PayoutStatus.AMBIGUOUS, lambda payout: bool(payout.facts.doubts)),
    (PayoutStatus.BROADCAST, lambda payout: bool(payout.facts.tx_hashes)),
    (PayoutStatus.AMBIGUOUS, lambda payout: bool(payout.facts.unclear) and payout.facts.task_id is None),
    (PayoutStatus.AWAITING_APPROVAL, lambda payout: payout.awaits_approval),
    (PayoutStatus.CREATED, lambda payout: True),
)
