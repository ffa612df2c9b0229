"""What second persons can have the journal's writer do: approve a payout or reject it; what who asked for one can:
withdraw it; and what services can: keep the lists of where sellers may be paid without one. Each is committed with
the record of who did it."""

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.journal.requests.forgotten_payouts import still_forgotten
from bridge.journal.requests.payments import ONE_ID, SOME_IDS, IdempotencyKey, made_before, remember
from bridge.journal.requests.payouts.recording import payout_of, record_payout_observation
from bridge.journal.requests.payouts.registration import beyond_earnings
from bridge.journal.requests.payouts.withholding import withhold_from
from bridge.journal.requests.refund_steps import refund_of
from bridge.journal.writing.batch import Batch
from bridge.journal.writing.staged.actions import Action
from bridge.journal.writing.staged.destinations import AllowedDestination
from coordinator.payments.payments import Payment, PaymentStatus
from coordinator.payments.problems.problems import may_have_gone_back
from coordinator.payouts.approval import (
    Approver,
    DestinationRemovedError,
    NothingToApproveError,
    PayoutRules,
    approval,
    rejection,
    whose_word,
    withdrawal,
)
from coordinator.payouts.earnings import not_there
from coordinator.payouts.payouts import Payout
from coordinator.payouts.provider_names import share_of, taken_over

__all__ = [
    "Removal",
    "allow_destination",
    "approve_payout",
    "disallow_destination",
    "reject_payout",
    "withdraw_payout",
]


@dataclass(frozen=True, slots=True)
class Removal:
    """That a destination was taken off a list."""

    action: Action | None
    """None for a repeat, which takes nothing off."""
    waiting: tuple[str, ...]
    """The payouts to it that were ordered, and not asked for yet."""


def approve_payout(batch: Batch, payout_id: str, *, by: Approver, note: str | None) -> tuple[Payout, Action]:
    """Has a payout sent that awaited approval. It must still be no more than its seller has earned, or than there is
    to go back.

    Raises NothingToApproveError and SamePersonError if, as the payout stands by now, that cannot be.
    """
    payout = payout_of(batch, payout_id)
    payment = batch.payments.get(payout.payment_id)
    if payment is None:
        raise LookupError(f"payment {payout.payment_id} of payout {payout_id} is gone")
    others = [one for one in batch.payouts.of_payment(payment.payment_id) if one.payout_id != payout_id]
    approved = approval(
        payout,
        by,
        note,
        batch.now,
        involved=_who_said_where(batch, payout),
        whose_word=whose_word(payout, payment, others),
    )
    refusal = _not_covered(batch, payout, payment, others)
    if refusal is not None:
        raise NothingToApproveError(f"It cannot be sent any more: {refusal}. Reject it.")
    # It may be approved once more, where more is told of it afterwards.
    key = f"approval:approved:{batch.payouts.steps(payout_id)}"
    payout = record_payout_observation(batch, payout_id, key, approved).payout
    said = "approved" if note is None else f"approved: {note}"
    return payout, _add(batch, "approval", payout_id, said, by)


def reject_payout(batch: Batch, payout_id: str, *, by: Approver, note: str) -> tuple[Payout, Action]:
    """Has a payout fail that nobody was asked to send yet, so that its payment can be paid out again.

    Raises NothingToApproveError and SamePersonError if, as the payout stands by now, that cannot be.
    """
    payout = payout_of(batch, payout_id)
    rejected = rejection(payout, by, note, batch.now)
    _require_not_taken_over(batch, payout)
    payout = record_payout_observation(batch, payout_id, "approval:rejected", rejected).payout
    return payout, _add(batch, "rejection", payout_id, f"rejected: {note}", by)


def withdraw_payout(batch: Batch, payout_id: str, *, by: Approver, note: str | None) -> tuple[Payout, Action]:
    """Has a payout fail that nobody was asked to send yet, at the word of whoever asked for it.

    Raises NothingToApproveError and NotTheirOwnError if, as the payout stands by now, that cannot be.
    """
    payout = payout_of(batch, payout_id)
    withdrawn = withdrawal(payout, by, note)
    _require_not_taken_over(batch, payout)
    payout = record_payout_observation(batch, payout_id, "withdrawn", withdrawn).payout
    said = "withdrawn" if note is None else f"withdrawn: {note}"
    return payout, _add(batch, "payout-withdrawal", payout_id, said, by)


def allow_destination(
    batch: Batch,
    seller_id: str,
    destination: str,
    *,
    coin: str,
    by: str,
    through: str,
    idempotency: IdempotencyKey | None = None,
) -> tuple[AllowedDestination, Action | None]:
    """Puts a destination on a seller's list, at the word of a person that a service passes on. One that is there
    stays as it is, and nothing is recorded. Raises IdempotencyKeyReusedError, and DestinationRemovedError for a
    repeat of what was undone since."""
    known = batch.destinations.get(seller_id, destination)
    is_repeat = made_before(batch, idempotency, ONE_ID) is not None
    if known is None and is_repeat:
        raise DestinationRemovedError(seller_id, destination)
    if not is_repeat:
        remember(batch, idempotency, destination)
    if known is not None:
        return known, None
    allowed = batch.destinations.add(seller_id, destination, coin=coin, by=by, through=through)
    said = f"{destination} may be paid for {seller_id}"
    return allowed, batch.actions.add("destination-added", seller_id, said, by=by, concerns=None)


def disallow_destination(
    batch: Batch,
    seller_id: str,
    destination: str,
    *,
    by: str,
    rules: PayoutRules,
    idempotency: IdempotencyKey | None = None,
) -> Removal | None:
    """Takes a destination off a seller's list, and has what waits to go there wait for somebody's approval; None if
    it is not there. A repeat takes nothing off, and is told what the first time was. Raises
    IdempotencyKeyReusedError."""
    earlier = made_before(batch, idempotency, SOME_IDS)
    if earlier is not None:
        return Removal(None, tuple(earlier))
    if batch.destinations.get(seller_id, destination) is None:
        return None
    batch.destinations.remove(seller_id, destination)
    waiting = list(withhold_from(batch, seller_id, destination, rules))
    said = f"{destination} may not be paid for {seller_id} any more without a second person"
    remember(batch, idempotency, waiting)
    action = batch.actions.add("destination-removed", seller_id, said, by=by, concerns=None)
    return Removal(action, tuple(waiting))


def _who_said_where(batch: Batch, payout: Payout) -> list[str]:
    """Who gave the address of a refund, or ever put a destination on its seller's list: taking it off again makes
    them no other person."""
    if payout.refund_id is not None:
        given_by = refund_of(batch, payout.refund_id).given_by
        return [] if given_by is None else [given_by]
    return sorted(batch.destinations.listed_by(payout.seller_id, payout.destination))


def _not_covered(batch: Batch, payout: Payout, payment: Payment, others: Sequence[Payout]) -> str | None:
    """Why its payment does not pay for it any more; None if it does."""
    if payout.refund_id is not None:
        return may_have_gone_back(payment) or not_there(payment, refund_of(batch, payout.refund_id).of)
    if payment.status is not PaymentStatus.COMPLETED:
        return f"payment {payment.payment_id} is {payment.status}, not completed"
    return beyond_earnings(payment, payout, others)


def _require_not_taken_over(batch: Batch, payout: Payout) -> None:
    """Raises NothingToApproveError where the payout is one that the journal had forgotten: that was sent."""
    payment = batch.payments.get(payout.payment_id)
    if payment is None:
        return
    own = share_of(payment, payout, batch.histories.installation).of(batch.payouts.of_payment(payment.payment_id))
    name = taken_over(payout, own, still_forgotten(batch, payment.payment_id))
    if name is not None:
        raise NothingToApproveError(
            f"{payout.provider} has this payout as {name} in its books already: it is not sent again, and"
            " cannot be taken back."
        )


def _add(batch: Batch, action: str, payout_id: str, said: str, by: Approver) -> Action:
    who = by.name if by.service in (None, by.name) else f"{by.name}, told by {by.service}"
    return batch.actions.add(action, payout_id, said, by=who, concerns=payout_id)
