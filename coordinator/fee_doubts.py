"""Fee doubts: what a person has to see of the fee that a gateway asks for on a payment: that it is out of proportion,
or that nobody knows it to the cent. Pure."""

from collections.abc import Iterator
from decimal import Decimal

from coordinator.fee_shares import is_bearable, is_doubtful, is_striking
from coordinator.money import ZERO
from coordinator.payment_figures import money, most_for_goods, of_amount
from coordinator.payments import Payment, PaymentStatus

__all__ = ["fee_out_of_proportion", "has_striking_fee", "short_by_unknown_fee"]


def has_striking_fee(payment: Payment) -> bool:
    """Whether any fee that was asked for is more than half of the payment, whatever its rule."""
    return any(is_striking(fee, payment.amount) for fee in _asked_for(payment))


def fee_out_of_proportion(payment: Payment) -> str | None:
    """That a fee is more than the payment itself, or more than half of it and not known to be a fixed one; None if it
    is not."""
    facts, amount = payment.facts, payment.amount
    of_transfers = (one.transfer.fee for one in facts.booked if one.transfer.fee is not None and one.is_own)
    most = max((*_asked_for(payment), *of_transfers), default=ZERO)
    said = f"{payment.provider} asks for a fee of {money(payment, most)} on {money(payment, amount)}"
    if not is_bearable(most, amount):
        return f"{said}; the buyer is not asked for it, and nothing counts as it"
    terms = payment.fee_terms
    if any(is_doubtful(coin, terms) for coin in {*facts.fees_priced, *facts.fees_said}):
        return f"{said}, which is more than half; the buyer is asked for it, and it counts as the fee"
    return None


def short_by_unknown_fee(payment: Payment) -> str | None:
    """That a completed payment has less than was agreed, and may have more: its fee is not known. None if it is."""
    if payment.status is not PaymentStatus.COMPLETED or payment.received >= payment.amount:
        return None
    if most_for_goods(payment) == payment.received:
        return None
    return f"its fee is not known for sure, and the least that is left counts for the goods: {of_amount(payment)}"


def _asked_for(payment: Payment) -> Iterator[Decimal]:
    facts = payment.facts
    yield from facts.fees_priced.values()
    if facts.fees_said:
        yield from (fee.on(payment.amount) for fees in facts.fees_said.values() for fee in fees)
