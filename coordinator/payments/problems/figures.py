"""Figures of a payment as a person reads them: what came, beside what was agreed. Pure."""

from decimal import Decimal

from coordinator.money import decimals_of, excess_over, format_amount, in_scale_of, to_cents
from coordinator.payments.counting.fee_shares import least_fee_in
from coordinator.payments.counting.valuation import CENT
from coordinator.payments.payments import Payment

__all__ = ["figure", "money", "most_for_goods", "of_amount"]


def money(payment: Payment, amount: Decimal) -> str:
    return f"{figure(payment, amount)} {payment.currency}"


def of_amount(payment: Payment) -> str:
    """How much of what was agreed has come, and is not gone again."""
    gone = payment.refunded
    came = figure(payment, excess_over(payment.received, gone))
    if payment.missing and came == figure(payment, payment.amount):
        came = format_amount(excess_over(payment.received, gone))  # rounded it would be all
    agreed = f"{came} of {money(payment, payment.amount)}"
    if gone:
        agreed += f" (of {figure(payment, payment.received)} that came, {figure(payment, gone)} went back)"
    most = most_for_goods(payment)
    if most == payment.received:
        return agreed
    return (
        f"{agreed}, and as much as {figure(payment, excess_over(most, gone))} if the fee is the least that it may be"
    )


def most_for_goods(payment: Payment) -> Decimal:
    """The most of what came that may be for the goods; what counts as received, which is the least, where the fee is
    known for sure or a cent more makes no difference."""
    if payment.direct is not None or not payment.paid:
        return payment.received
    fee = least_fee_in(payment.counted, payment.paid, payment.fee_terms)
    most = to_cents(excess_over(payment.paid, fee), decimals_of(payment.amount))
    return most if excess_over(most, payment.received) >= CENT else payment.received


def figure(payment: Payment, amount: Decimal) -> str:
    """Of what coins are worth, which has many decimals, only those that the payment's currency has."""
    if payment.direct is not None:
        return format_amount(in_scale_of(payment.amount, amount))
    return format_amount(to_cents(amount, decimals_of(payment.amount)))
