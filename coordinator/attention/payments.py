"""Payments that need a person: each problem of one with what happened and what can be done about it. Pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from coordinator.attention.advice import advice_on
from coordinator.attention.items import Attention, AttentionKind, Remedy
from coordinator.money import total
from coordinator.payments.agreed.invoices import Invoice
from coordinator.payments.facts.refunded import going_back
from coordinator.payments.observed.observations import RefundOf
from coordinator.payments.payments import Payment
from coordinator.payments.problems.lookalike_senders import lookalikes_said
from coordinator.payments.problems.problems import ProblemKind, problems_of
from coordinator.payments.problems.rulings import open_rulings

__all__ = ["ADDRESS_EXPECTED_WITHIN", "payment_attention", "problem_key", "without_address"]

ADDRESS_EXPECTED_WITHIN = timedelta(minutes=1)
"""How long a buyer may look at a page without an address. A gateway answers within seconds, or is asked again."""

_TITLES: Mapping[ProblemKind, str] = {
    ProblemKind.OVERDRAWN: "More money went out than came in",
    ProblemKind.REFUNDED_WHILE_PAID_OUT: "It was refunded, and its seller is paid as well",
    ProblemKind.REFUND_TOLD_TWICE: "One refund may be counted twice",
    ProblemKind.CALLED_REFUNDED: "The provider calls it refunded",
    ProblemKind.DISPUTED: "The buyer's bank takes its money back, or may",
    ProblemKind.TWICE_PAID: "One purchase request is paid twice",
    ProblemKind.CONTRADICTING_BOOKS: "The provider contradicts itself",
    ProblemKind.UNREADABLE_BOOKS: "What the provider says of it cannot be read, or it says nothing",
    ProblemKind.FOREIGN: "Something was told of it that cannot be about it",
    ProblemKind.FORGOTTEN: "The provider has forgotten its invoice",
    ProblemKind.PRICE_DOUBTED: "It was paid at a price that may be wrong",
    ProblemKind.FEE_TOO_HIGH: "The provider asks for a fee out of proportion",
    ProblemKind.OTHER_CURRENCY: "Money came in another currency",
    ProblemKind.PAID_AFTER_CANCELLATION: "It was cancelled, and has money",
    ProblemKind.SHORT: "Too little has come, or may have",
    ProblemKind.PARTLY_PAID_EXPIRED: "Its time ran out with part of the money there",
    ProblemKind.UNCONFIRMED_TOO_LONG: "Its money was seen and never confirmed",
    ProblemKind.LATENESS_DOUBTED: "It may have been paid too late",
    ProblemKind.OVER: "The buyer paid too much",
}

# Where no money need have come, so that there may be nothing to settle.
_DISMISSABLE = (
    ProblemKind.OVERDRAWN,
    ProblemKind.REFUND_TOLD_TWICE,
    ProblemKind.FEE_TOO_HIGH,
    ProblemKind.PRICE_DOUBTED,
    ProblemKind.CALLED_REFUNDED,
    *(ProblemKind.FOREIGN, ProblemKind.FORGOTTEN, ProblemKind.OVER),
    *(ProblemKind.CONTRADICTING_BOOKS, ProblemKind.UNREADABLE_BOOKS, ProblemKind.LATENESS_DOUBTED),
)


# What sending money back settles, all of it or some.
_REFUNDABLE = (
    ProblemKind.PRICE_DOUBTED,
    ProblemKind.CALLED_REFUNDED,
    ProblemKind.TWICE_PAID,
    ProblemKind.PAID_AFTER_CANCELLATION,
    ProblemKind.SHORT,
    ProblemKind.PARTLY_PAID_EXPIRED,
    ProblemKind.LATENESS_DOUBTED,
    ProblemKind.OVER,
)


def problem_key(kind: ProblemKind, payment_id: str) -> str:
    """What a problem of a payment is called on the list."""
    return f"{kind}:{payment_id}"


def payment_attention(payment: Payment, problems_at: datetime, *, can_send_back: bool = False) -> Iterator[Attention]:
    """Everything that is wrong with a payment whose last news came at that moment. `can_send_back` is whether its
    provider sends what is asked for here."""
    rulings, lookalikes = open_rulings(payment), lookalikes_said(payment)
    for problem in problems_of(payment):
        remedies: tuple[Remedy, ...] = (*rulings, "settle")
        if can_send_back and problem.kind in _REFUNDABLE and _may_be_refunded(payment):
            remedies = (*rulings, "refund", "settle")
        if problem.kind in _DISMISSABLE:
            remedies = (*remedies, "dismiss")
        yield Attention(
            kind=problem.kind,
            subject=payment.payment_id,
            title=_TITLES[problem.kind],
            detail=problem.detail if lookalikes is None else f"{problem.detail}; {lookalikes}",
            advice=advice_on(payment, problem.kind, remedies),
            since=problems_at,
            news_at=problems_at,
            payment_id=payment.payment_id,
            remedies=remedies,
        )


def _may_be_refunded(payment: Payment) -> bool:
    """Whether some of its money is there that nobody is sending back yet, as far as the payment itself knows."""
    return payment.received > total(going_back(payment.money_back, of) for of in RefundOf)


def without_address(invoice: Invoice, gateway_says: str | None, refused: str | None = None) -> Attention:
    """A buyer who does not see where to pay, because the provider has not opened the invoice. `gateway_says` is what
    is wrong with the provider at the moment, if that is known, and `refused` why its last answer was none to this
    invoice, such as that its price contradicts itself."""
    provider, coin = invoice.wanted.provider, invoice.wanted.coin
    why = gateway_says or refused
    said = "" if why is None else f"; {provider}: {why}"
    unopened = f"{provider} has not opened an invoice in {coin} yet"
    return Attention(
        kind=AttentionKind.WITHOUT_ADDRESS,
        subject=invoice.payment_id,
        title="A buyer has no address to pay to",
        detail=f"{unopened}{said}",
        lasting_detail=unopened,
        advice=(
            (
                f"It is opened as soon as {provider} answers: look whether {provider} and its wallet for {coin} run."
                if refused is None or refused not in (why or "")
                else f"{provider} is asked again, and it is opened once the answer can be used: look at {provider}"
                f" for what is wrong with {coin}, such as its rate or its fee."
            )
            + " If that takes long, have the buyer pay with another coin (POST /api/payments/{paymentId}/invoices),"
            " or cancel it."
        ),
        since=invoice.wanted_at,
        payment_id=invoice.payment_id,
        remedies=("cancel",),
    )
