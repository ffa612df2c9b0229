"""Attempts to have payouts sent: what each is asked for by, that it is asked for, and what came of it."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from bridge.journal.requests.forgotten_payouts import forgotten_of, is_doubtful, still_forgotten
from bridge.journal.requests.payouts.recording import (
    RecordedPayout,
    believed,
    payout_of,
    record_payout_observation,
)
from bridge.journal.requests.payouts.withholding import withhold_for_news
from bridge.journal.tables.unreadable_rows import UnreadableRowError
from bridge.journal.writing.batch import Batch
from coordinator.payments.payments import Payment
from coordinator.payments.problems.problems import hold_on_payouts, may_have_gone_back
from coordinator.payouts.approval import PayoutRules
from coordinator.payouts.observations import (
    PayoutAsked,
    PayoutBooked,
    PayoutNamePassedOn,
    PayoutObservation,
    PayoutUnclear,
)
from coordinator.payouts.payouts import Payout
from coordinator.payouts.provider_names import Naming, next_name, share_of

__all__ = ["Outcome", "begin_attempts", "name_payouts", "record_interruption", "record_outcomes"]

Outcome = tuple[str, int, PayoutObservation]
"""What came of an attempt: the payout, the number of the attempt, and what was observed."""


def name_payouts(batch: Batch, payout_ids: Sequence[str]) -> dict[str, Naming]:
    """What each of some payouts would be asked for by at this moment; nothing of those that have to wait, be it for
    others of their payment, because their payment holds them back, or because something of it cannot be read."""
    named: dict[str, Naming] = {}
    for payout_id in payout_ids:
        with suppress(UnreadableRowError):
            naming = _naming(batch, payout_of(batch, payout_id))
            if naming is not None:
                named[payout_id] = naming
    return named


def _naming(batch: Batch, payout: Payout) -> Naming | None:
    payment = batch.payments.get(payout.payment_id)
    if payment is None:
        raise LookupError(f"payment {payout.payment_id} of payout {payout.payout_id} is gone")
    # What goes back to the buyer is no more than what certainly came, however the books stand.
    if _is_held(payment, payout):
        return None
    forgotten = still_forgotten(batch, payout.payment_id)
    share = share_of(payment, payout, batch.histories.installation)
    naming = next_name(payout, share, batch.payouts.of_payment(payout.payment_id), forgotten)
    # As long as nobody has looked at what was forgotten, nothing else leaves.
    takes_over = naming is not None and naming.takes_over and not is_doubtful(batch, payout.payment_id)
    return naming if takes_over or forgotten_of(batch, payout.payment_id) is None else None


def begin_attempts(batch: Batch, names: Mapping[str, str], rules: PayoutRules | None) -> dict[str, Payout]:
    """Writes down, in one go, that the provider is about to be asked to send payouts in one order, each by its name.
    `rules` say which of them have to be approved by now; None, that none has. Returns those that it may be asked for,
    as they stand then."""
    begun: dict[str, Payout] = {}
    for payout_id, name in names.items():
        with suppress(UnreadableRowError):
            payout = _begin_attempt(batch, payout_id, name, rules)
            if payout is not None:
                begun[payout_id] = payout
    return begun


def _begin_attempt(batch: Batch, payout_id: str, name: str, rules: PayoutRules | None) -> Payout | None:
    """The payout, about to be asked for; None if an earlier attempt may have reached the provider, if somebody else
    has written this one down, for only who did asks, while it awaits approval, which it does from now on if something
    was told that nobody has seen, if the name is another's by now, or while payouts are held, all of them or those of
    this payment."""
    payout = payout_of(batch, payout_id)
    attempt = payout.next_attempt
    if attempt is None or batch.holds.current:
        return None
    key = f"asked:{attempt}"
    if batch.payouts.is_recorded(payout_id, key):
        return None
    naming = _naming(batch, payout)
    if naming is None or naming.external_id != name:
        return None
    # What takes over a forgotten one has left already; where it turned out not to have, somebody has looked at it.
    if not naming.takes_over and withhold_for_news(batch, payout, rules).awaits_approval:
        return None
    for other in batch.payouts.of_payment(payout.payment_id):
        # The books of a provider are apart for each coin: in its own, one that ended is still looked after.
        if (
            other.payout_id != payout_id
            and other.is_settled
            and (other.external_id, other.coin) == (name, payout.coin)
        ):
            record_payout_observation(
                batch, other.payout_id, f"passed-on:{name}", PayoutNamePassedOn(external_id=name)
            )
    asked = PayoutAsked(attempt=attempt, at=batch.now, external_id=name)
    return record_payout_observation(batch, payout_id, key, asked).payout


def _is_held(payment: Payment, payout: Payout) -> bool:
    if payout.refund_id is not None:
        return may_have_gone_back(payment) is not None
    return hold_on_payouts(payment, payout.seller_id) is not None


def record_outcomes(batch: Batch, outcomes: Sequence[Outcome]) -> list[RecordedPayout]:
    """Writes down, in one go, what came of an order."""
    return [
        record_payout_observation(
            batch, payout_id, _outcome_key(attempt, outcome), believed(batch, payout_id, outcome)
        )
        for payout_id, attempt, outcome in outcomes
    ]


def _outcome_key(attempt: int, outcome: PayoutObservation) -> str:
    return f"{'booked' if isinstance(outcome, PayoutBooked) else 'outcome'}:{attempt}"


def record_interruption(batch: Batch, payout_id: str, attempt: int, reason: str) -> None:
    """Writes down that nobody will learn any more what came of an attempt, unless somebody has."""
    if payout_of(batch, payout_id).unanswered_attempt == attempt:
        record_payout_observation(batch, payout_id, f"interrupted:{attempt}", PayoutUnclear(reason=reason))
