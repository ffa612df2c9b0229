"""Late money: whether it is in doubt that a payment was paid in time, so that a person has to look. Pure."""

from datetime import datetime

from coordinator.payments.counting.lateness import Lateness, LatenessDoubt, doubted_transfers
from coordinator.payments.facts.booked import Booked
from coordinator.payments.payments import Payment, PaymentStatus
from coordinator.payments.problems.going_back import goes_back

__all__ = ["lateness_doubted"]


def lateness_doubted(payment: Payment) -> str | None:
    """What is doubted; None where nothing is, or somebody has decided that it counts all the same."""
    if payment.lateness is not Lateness.DOUBTED or payment.status is PaymentStatus.REFUNDED or goes_back(payment):
        return None
    deadline = payment.expires_at
    if payment.facts.accepted or payment.facts.waiting_until is not None or deadline is None:
        return None
    doubted = doubted_transfers(payment.facts, deadline, payment.created_at, is_opened_here=payment.is_opened_here)
    reasons = dict.fromkeys(_said(payment, one, doubt) for one, doubt in doubted)
    return f"{payment.provider} told of its money after its deadline, {_text(deadline)}; {'; '.join(reasons)}"


def _said(payment: Payment, one: Booked, doubt: LatenessDoubt) -> str:
    match doubt:
        case LatenessDoubt.ZONE:
            return "its date is in time in one zone and late in another, and the provider does not say in which it is"
        case LatenessDoubt.IMPOSSIBLE_DATE:
            return f"its date, {one.refused_date and _text(one.refused_date)}, cannot be right"
        case LatenessDoubt.NOT_LISTED:
            asked_at = payment.facts.asked_when_due_at
            return (
                f"its date is in time, but asked at {asked_at and _text(asked_at)}, after the deadline,"
                " the provider did not list it"
            )


def _text(moment: datetime) -> str:
    # Of the first thousand years `strftime` leaves out digits on some systems.
    return f"{moment.isoformat(' ', 'minutes')[:16]} UTC"
