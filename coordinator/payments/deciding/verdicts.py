"""Verdicts: what a provider's verdict on a sum says about the amount of its invoice.

A message about an invoice does not name the amount. It says how much has come and whether that is too little, enough
or too much: for a given sum, each verdict is true of some amounts and of no others. Pure.
"""

from decimal import Decimal

from coordinator.money import excess_over, format_amount, product, total
from coordinator.payments.observed.observations import InvoiceSnapshot, Standing
from coordinator.payments.payments import Payment

__all__ = ["misjudgement"]

# Where SHKeeper's own limits lie, and how far the operator may have moved them for a verdict to be taken for one on
# this payment without a look into its books.
USUAL_LIMIT = Decimal("0.95")
LEAST_LIMIT = Decimal("0.90")
MOST_LIMIT = Decimal("1.10")
# It is reported to the cent.
CENT = Decimal("0.01")

_WORDS = {
    Standing.NOTHING: "unpaid",
    Standing.PARTIAL: "partly paid",
    Standing.PAID: "paid",
    Standing.OVERPAID: "overpaid",
}


def misjudgement(payment: Payment, snapshot: InvoiceSnapshot) -> str | None:
    """What a message says that cannot be said of a payment's amount; None if it can.

    The sum is the provider's own, by which it judges: with its fee, and without what it has lost of transfers that
    came together. Limits are measured against the amount without the fee.
    """
    if _fits(payment, snapshot):
        return None
    word, sum_ = _WORDS[snapshot.standing], format_amount(snapshot.received)
    said = f"{sum_} {snapshot.currency} is called {word}"
    if snapshot.standing is Standing.OVERPAID and snapshot.above_limit is not None:
        said += f" by {format_amount(snapshot.above_limit)}"
    elif snapshot.above_limit:
        said += f", and too much by {format_amount(snapshot.above_limit)}"
    if _denies_its_word(snapshot):
        said += f", and {'paid' if snapshot.calls_paid else 'not paid'}"
    return said


def _denies_its_word(snapshot: InvoiceSnapshot) -> bool:
    """Whether it is said besides the word whether the sum is enough, and otherwise."""
    return snapshot.calls_paid is not None and snapshot.calls_paid is not (snapshot.standing >= Standing.PAID)


def _fits(payment: Payment, snapshot: InvoiceSnapshot) -> bool:
    amount, came = payment.amount, snapshot.received
    if _denies_its_word(snapshot) or (snapshot.above_limit and snapshot.standing is not Standing.OVERPAID):
        return False
    match snapshot.standing:
        case Standing.NOTHING | Standing.PARTIAL:
            return came < max(payment.least, product(amount, USUAL_LIMIT))
        case Standing.PAID:
            if came == amount:
                return True  # the usual case
            return min(payment.least, product(amount, LEAST_LIMIT)) <= came <= product(amount, MOST_LIMIT)
        case Standing.OVERPAID if snapshot.above_limit is None:
            return came >= amount
        case Standing.OVERPAID:
            limit = excess_over(came, snapshot.above_limit)
            return total([limit, CENT]) >= amount and limit <= total([product(amount, MOST_LIMIT), CENT])
