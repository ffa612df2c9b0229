"""Fee doubts: what a person has to see about the fee that a gateway asks for on a payment: that it is out of
proportion, or that it is not known to the cent. Pure.
"""

from collections.abc import Collection, Iterator
from decimal import Decimal
from typing import NamedTuple

from coordinator.money import ZERO, excess_over
from coordinator.payments.counting.fee_shares import is_bearable, is_doubtful, is_striking
from coordinator.payments.payments import Payment, PaymentStatus
from coordinator.payments.problems.figures import money, most_for_goods, of_amount

__all__ = ["fee_out_of_proportion", "has_striking_fee", "short_by_unknown_fee"]


class _Asked(NamedTuple):
    """A fee that a gateway asks for, or says that it has taken."""

    coin: str
    fee: Decimal
    on: Decimal
    """The sum that it is on."""


def has_striking_fee(payment: Payment) -> bool:
    """Whether any fee that was asked for is more than half of the payment, whatever its rule."""
    return any(is_striking(one.fee, one.on) for one in _asked_for(payment))


def fee_out_of_proportion(payment: Payment) -> str | None:
    """That a fee is more than the payment itself, or more than half of it and not known to be a fixed one; None if it
    is not."""
    asked = [*_asked_for(payment)]
    unbearable = [one for one in (*asked, *_taken(payment)) if not is_bearable(one.fee, one.on)]
    doubtful = [one for one in asked if is_bearable(one.fee, one.on) and is_doubtful(one.coin, payment.fee_terms)]
    said = (
        (unbearable, "; the buyer is not asked for it, and nothing counts as it"),
        (doubtful, ", which is more than half; the buyer is asked for it, and it counts as the fee"),
    )
    return "; ".join(_most_of(payment, some) + words for some, words in said if some) or None


def short_by_unknown_fee(payment: Payment) -> str | None:
    """That a completed payment has less than was agreed, and may have more: its fee is not known. None if it is."""
    if payment.status is not PaymentStatus.COMPLETED or payment.received >= payment.amount:
        return None
    if most_for_goods(payment) == payment.received:
        return None
    return f"its fee is not known for sure, and the least that is left counts for the goods: {of_amount(payment)}"


def _most_of(payment: Payment, asked: Collection[_Asked]) -> str:
    most = max(asked, key=lambda one: one.fee)
    coin = f" in {most.coin}" if most.coin else ""
    return f"{payment.provider} asks for a fee of {money(payment, most.fee)} on {money(payment, most.on)}{coin}"


def _asked_for(payment: Payment) -> Iterator[_Asked]:
    facts, amount = payment.facts, payment.amount
    yield from (_Asked(coin, fee, amount) for coin, fee in facts.fees_priced.items())
    if facts.fees_said:
        yield from (_Asked(coin, fee.on(amount), amount) for coin, fees in facts.fees_said.items() for fee in fees)


def _taken(payment: Payment) -> Iterator[_Asked]:
    """What is said to have been taken of each transfer: of one that is more than the payment, of all of it."""
    for one in payment.facts.booked:
        transfer = one.transfer
        if transfer.fee is not None and one.is_own:
            goods = excess_over(transfer.value or ZERO, transfer.fee)
            yield _Asked(transfer.asset, transfer.fee, max(payment.amount, goods))
