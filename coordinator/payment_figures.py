"""Figures of a payment as a person reads them: what came, beside what was agreed. Pure."""

from decimal import Decimal

from coordinator.money import decimals_of, excess_over, format_amount, to_cents
from coordinator.payments import Payment

__all__ = ["figure", "money", "of_amount"]


def money(payment: Payment, amount: Decimal) -> str:
    return f"{figure(payment, amount)} {payment.currency}"


def of_amount(payment: Payment) -> str:
    """How much of what was agreed has come, and is not gone again."""
    gone = payment.refunded
    came = figure(payment, excess_over(payment.received, gone))
    if payment.missing and came == figure(payment, payment.amount):
        came = format_amount(payment.received)  # rounded it would be all
    agreed = f"{came} of {money(payment, payment.amount)}"
    if not gone:
        return agreed
    return f"{agreed} (of {figure(payment, payment.received)} that came, {figure(payment, gone)} went back)"


def figure(payment: Payment, amount: Decimal) -> str:
    """Of what coins are worth, which has many decimals, only those that the payment's currency has."""
    return format_amount(amount if payment.direct is not None else to_cents(amount, decimals_of(payment.amount)))
