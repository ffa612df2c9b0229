"""Payments that need a person: each problem of one with what happened and what can be done about it. Pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from coordinator.attention import Attention, AttentionKind, Remedy
from coordinator.invoices import Invoice
from coordinator.money import total
from coordinator.observations import Ending, RefundOf
from coordinator.payment_problems import ProblemKind, problems_of
from coordinator.payment_rulings import open_rulings
from coordinator.payments import Payment
from coordinator.refunded import going_back

__all__ = ["ADDRESS_EXPECTED_WITHIN", "payment_attention", "problem_key", "without_address"]

ADDRESS_EXPECTED_WITHIN = timedelta(minutes=1)
"""How long a buyer may look at a page without an address. A gateway answers within seconds, or is asked again."""

_TITLES: Mapping[ProblemKind, str] = {
    ProblemKind.OVERDRAWN: "More money went out than came in",
    ProblemKind.REFUNDED_WHILE_PAID_OUT: "It was refunded, and its seller is paid as well",
    ProblemKind.TWICE_PAID: "One purchase request is paid twice",
    ProblemKind.CONTRADICTING_BOOKS: "The provider contradicts itself",
    ProblemKind.UNREADABLE_BOOKS: "What the provider says of it cannot be read",
    ProblemKind.FOREIGN: "Something was told of it that cannot be about it",
    ProblemKind.FORGOTTEN: "The provider has forgotten its invoice",
    ProblemKind.OTHER_CURRENCY: "Money came in another currency",
    ProblemKind.PAID_AFTER_CANCELLATION: "Money came after it was cancelled",
    ProblemKind.SHORT: "The provider calls it paid, and too little has come",
    ProblemKind.PARTLY_PAID_EXPIRED: "Its time ran out with part of the money there",
    ProblemKind.UNCONFIRMED_TOO_LONG: "Its money was seen and never confirmed",
    ProblemKind.OVER: "The buyer paid too much",
}

_ADVICE: Mapping[ProblemKind, str] = {
    ProblemKind.OVERDRAWN: (
        "Look at its payouts and refunds at once: one may have gone out twice, or after it was found to have failed,"
        " or what had come was taken back. Hold all payouts if more of it may happen. Have whoever got too much give"
        " it back, then mark this as settled. If somebody took it as paid with less and the marketplace pays the"
        " rest, dismiss it with a note."
    ),
    ProblemKind.REFUNDED_WHILE_PAID_OUT: (
        "Stop the payout if it can still be stopped. If both went out, have the seller or the buyer give it back."
        " Then mark this as settled."
    ),
    ProblemKind.TWICE_PAID: (
        "Pay the seller for one of them only, and open a refund for the other one: the buyer is asked where to send"
        " it. Sent back otherwise, mark this as settled."
    ),
    ProblemKind.CONTRADICTING_BOOKS: (
        "Look at the invoice in the provider's own books and at its transactions in an explorer. If the money is"
        " there, accept it as paid; if it is not, keep waiting or cancel it. If only the coin's price has risen since"
        ' the buyer was asked, a new one settles it while the price is as high: "New price" on its page, or POST'
        ' /api/payments/{paymentId}/invoices with "fresh". Until somebody accepts it, or the provider\'s books agree,'
        " it is not completed, and nothing is paid out of one that is."
    ),
    ProblemKind.UNREADABLE_BOOKS: (
        "Look at the invoice in the provider's own books and at its transactions in an explorer. It is asked for"
        " again, and leaves this list once it can be read. If the money is there, accept it as paid. The bridge may"
        " have to be updated for a newer version of the provider."
    ),
    ProblemKind.FOREIGN: (
        "It was not counted. Find out whose money or request it is: in the provider's books by the id, and from the"
        " marketplace. If it is this payment's after all, accept it as paid; if not, send the money back where it"
        " came from, and mark this as settled, or dismiss it where no money came."
    ),
    ProblemKind.FORGOTTEN: (
        "Find out whether the provider was restored from a backup, emptied or replaced, and get its old books back if"
        " you can. Look in an explorer for money at the addresses that the buyer was shown before: nobody watches"
        " them any more. An unpaid invoice was opened anew, and the buyer sees where to pay now. If money lies at an"
        " old address, accept it as paid, or send it back, and mark this as settled; if none does, dismiss it."
    ),
    ProblemKind.OTHER_CURRENCY: (
        "It was not counted. If it is worth what was agreed, accept it as paid; otherwise send it back to the buyer,"
        " and mark this as settled."
    ),
    ProblemKind.PAID_AFTER_CANCELLATION: (
        "If the sale still holds, accept it as paid where that is offered: the seller is told and can be paid. If"
        " the sale is off, open a refund, of a checkout just of the share of that seller, and pay out nothing of it."
        " Sent back otherwise, mark this as settled."
    ),
    ProblemKind.SHORT: (
        "Let the buyer pay the rest, accept it as paid if the seller agrees, or open a refund, which cancels it. Sent"
        " back otherwise, mark this as settled, which cancels it too."
        " One that is completed already is settled with the seller."
    ),
    ProblemKind.PARTLY_PAID_EXPIRED: (
        "Ask the buyer. Keep waiting if the rest is on its way, accept it as paid if the seller agrees, or open a"
        " refund, which cancels it. Sent back otherwise, mark this as settled, which cancels it too."
    ),
    ProblemKind.UNCONFIRMED_TOO_LONG: (
        "Look at the transaction in an explorer. Keep waiting if it is still on its way; if it was replaced or"
        " dropped, the buyer has to pay again."
    ),
    ProblemKind.OVER: (
        "Open a refund of what is too much, or dismiss this if that costs more than it is. Sent back otherwise, mark"
        " it as settled."
    ),
}

# Of a contradiction from which nothing follows.
_HOLDS_NOTHING = (
    "It holds nothing back: of what the provider says the least counts, and that is paid out as always. If it says"
    " more, look in its own books and in an explorer whether more has come than the transfers are worth at the prices"
    " that were asked for; as a rule a price has moved. Dismiss this then."
)

# Where no money need have come, so that there may be nothing to settle.
_DISMISSABLE = (
    ProblemKind.OVERDRAWN,
    *(ProblemKind.FOREIGN, ProblemKind.FORGOTTEN, ProblemKind.OVER),
    *(ProblemKind.CONTRADICTING_BOOKS, ProblemKind.UNREADABLE_BOOKS),
)


# What sending money back settles, all of it or some.
_REFUNDABLE = (
    ProblemKind.TWICE_PAID,
    ProblemKind.PAID_AFTER_CANCELLATION,
    ProblemKind.SHORT,
    ProblemKind.PARTLY_PAID_EXPIRED,
    ProblemKind.OVER,
)


def problem_key(kind: ProblemKind, payment_id: str) -> str:
    """What a problem of a payment is called on the list."""
    return f"{kind}:{payment_id}"


def payment_attention(payment: Payment, problems_at: datetime, *, can_send_back: bool = False) -> Iterator[Attention]:
    """All that is wrong with a payment, of which there was news last at that moment. `can_send_back` is whether its
    provider sends what is asked for here."""
    rulings = open_rulings(payment)
    for problem in problems_of(payment):
        remedies: tuple[Remedy, ...] = (*rulings, "settle")
        if can_send_back and problem.kind in _REFUNDABLE and _may_be_refunded(payment):
            remedies = (*rulings, "refund", "settle")
        yield Attention(
            kind=problem.kind,
            subject=payment.payment_id,
            title=_TITLES[problem.kind],
            detail=problem.detail,
            advice=_advice(payment, problem.kind),
            since=problems_at,
            news_at=problems_at,
            payment_id=payment.payment_id,
            remedies=(*remedies, "dismiss") if problem.kind in _DISMISSABLE else remedies,
        )


def _advice(payment: Payment, kind: ProblemKind) -> str:
    holds_nothing = kind is ProblemKind.CONTRADICTING_BOOKS and not payment.is_held
    return _HOLDS_NOTHING if holds_nothing else _ADVICE[kind]


def _may_be_refunded(payment: Payment) -> bool:
    """Whether some of its money is there that nobody sends back yet, as far as the payment itself knows."""
    facts = payment.facts
    if Ending.REFUNDED in facts.endings:
        return False
    return payment.received > total(going_back(facts.refunds, of) for of in RefundOf)


def without_address(invoice: Invoice, gateway_says: str | None) -> Attention:
    """A buyer who does not see where to pay, because the provider has not opened the invoice; `gateway_says` is what
    is wrong with the provider, if that is known."""
    provider, coin = invoice.wanted.provider, invoice.wanted.coin
    said = "" if gateway_says is None else f"; {provider}: {gateway_says}"
    return Attention(
        kind=AttentionKind.WITHOUT_ADDRESS,
        subject=invoice.payment_id,
        title="A buyer has no address to pay to",
        detail=f"{provider} has not opened an invoice in {coin} yet{said}",
        advice=(
            f"It is opened as soon as {provider} answers: look whether {provider} and its wallet for {coin} run. If"
            " they will not for long, have the buyer pay with another coin (POST /api/payments/{paymentId}/invoices),"
            " or cancel it."
        ),
        since=invoice.wanted_at,
        payment_id=invoice.payment_id,
        remedies=("cancel",),
    )
