"""Late money: whether it is in doubt that a payment was paid in time, so that a person has to look. Pure."""

from coordinator.payments.counting.lateness import Lateness
from coordinator.payments.payments import Payment, PaymentStatus
from coordinator.payments.problems.going_back import goes_back

__all__ = ["lateness_doubted"]


def lateness_doubted(payment: Payment) -> str | None:
    """What is doubted; None where nothing is, or somebody has decided that it counts all the same."""
    if payment.lateness is not Lateness.DOUBTED or payment.status is PaymentStatus.REFUNDED or goes_back(payment):
        return None
    if payment.facts.accepted or payment.facts.waiting_until is not None:
        return None
    return (
        f"{payment.provider} told of its money after its deadline, {payment.expires_at:%Y-%m-%d %H:%M} UTC; its date"
        " is in time in one zone and late in another, and the provider does not say in which it is"
    )
