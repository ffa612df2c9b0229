"""Payments that need a person: each problem with what can be done about it, exactly where that makes sense."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from coordinator.attention.items import BY_URGENCY, AttentionKind
from coordinator.attention.payments import payment_attention, without_address
from coordinator.payments.agreed.invoices import Invoice, InvoiceWanted
from coordinator.payments.deciding.decisions import decide
from coordinator.payments.facts.booked import AnnouncedTransfer, Booked
from coordinator.payments.facts.facts import Facts, Misfit, MisfitKind
from coordinator.payments.facts.refunded import Refunded
from coordinator.payments.observed.observations import Ending, RefundOf, Release, Standing, Transfer
from coordinator.payments.payments import Payment, PaymentStatus
from coordinator.payments.problems.problems import ProblemKind, problems_of
from coordinator.payments.problems.rulings import (
    RulingRefusedError,
    TimeWrongError,
    acceptance,
    cancellation,
    waiting,
)

START = datetime(2026, 5, 1, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)

INVOICE = Invoice(
    payment_id="pay_1",
    wanted=InvoiceWanted(
        provider="shkeeper",
        external_id="order-1",
        callback_url="http://bridge/webhooks/shkeeper",
        coin="ETH-USDT",
        amount=Decimal(50),
        currency="USD",
    ),
    wanted_at=START,
)


def transfer(amount: int, dated: datetime | None = None) -> Transfer:
    worth, at = Decimal(amount), dated or START
    return Transfer(transfer_id="0x1", asset="ETH-USDT", amount=worth, value=worth, occurred_at=at)


def payment(**facts: Any) -> Payment:
    return Payment(
        payment_id="pay_1",
        provider="shkeeper",
        external_id="order-1",
        request_id="r1",
        buyer_id="b1",
        seller_id="s1",
        amount=Decimal(50),
        currency="USD",
        created_at=START,
        expires_at=START + DAY,
        facts=Facts(**facts),
    )


def booked(amount: int, *, dated: datetime | None = None, told_at: datetime | None = None) -> dict[str, Any]:
    """That so much came, of which the provider's books tell the same."""
    return {
        "booked": (Booked(transfer=transfer(amount, dated), is_proven=True, first_told_at=told_at),),
        "books": {"balance": Decimal(amount), "transfer_ids": ("0x1",)},
    }


def misfit(kind: MisfitKind) -> tuple[Misfit, ...]:
    return (Misfit(kind=kind, detail="what happened"),)


PROBLEMS = {
    ProblemKind.OVERDRAWN: payment(
        standing=Standing.PAID,
        completed=True,
        releases={"s1": {"out_1": {"release": Release.DONE, "worth": Decimal("50.01")}}},
        **booked(50),
    ),
    ProblemKind.REFUNDED_WHILE_PAID_OUT: payment(
        standing=Standing.PAID,
        completed=True,
        refunds={"back_1": Refunded(of=RefundOf.GOODS, amount=Decimal(50), release=Release.DONE)},
        releases={"s1": {"out_1": Release.UNDER_WAY}},
        **booked(50),
    ),
    ProblemKind.REFUND_TOLD_TWICE: payment(
        standing=Standing.PAID,
        completed=True,
        refunds={
            name: Refunded(of=RefundOf.GOODS, amount=Decimal(20), release=Release.DONE)
            for name in ("back_1", "refunded-there:re_1")
        },
        **booked(50),
    ),
    ProblemKind.CALLED_REFUNDED: payment(endings={Ending.REFUNDED}, refunded_at=START),
    ProblemKind.DISPUTED: payment(disputes={"dp_1": {"stage": "open", "amount": "20"}}),
    ProblemKind.TWICE_PAID: payment(
        standing=Standing.PAID, completed=True, completed_siblings={"pay_2"}, **booked(50)
    ),
    ProblemKind.CONTRADICTING_BOOKS: payment(standing=Standing.OVERPAID, **booked(20)),
    ProblemKind.UNREADABLE_BOOKS: payment(unreadable={"at": START, "what": ("invoices.0.status: unknown",)}),
    ProblemKind.FOREIGN: payment(misfits=misfit(MisfitKind.CONTESTED)),
    ProblemKind.FORGOTTEN: payment(forgotten_at=START, given={"0xold"}),
    ProblemKind.PRICE_DOUBTED: payment(
        standing=Standing.PAID, completed=True, usual_rates={"ETH-USDT": Decimal("0.4")}, **booked(50)
    ),
    ProblemKind.FEE_TOO_HIGH: payment(fees_priced={"ETH-USDT": Decimal(51)}),
    ProblemKind.OTHER_CURRENCY: payment(misfits=misfit(MisfitKind.OTHER_CURRENCY)),
    ProblemKind.PAID_AFTER_CANCELLATION: payment(standing=Standing.PAID, withdrawn=True, **booked(50)),
    ProblemKind.SHORT: payment(standing=Standing.PAID, **booked(20)),
    ProblemKind.PARTLY_PAID_EXPIRED: payment(deadline_passed=START + DAY, **booked(20)),
    ProblemKind.UNCONFIRMED_TOO_LONG: payment(
        seen=(AnnouncedTransfer(transfer=transfer(50)),), deadline_passed=START + DAY, patience_ended=START + DAY
    ),
    ProblemKind.LATENESS_DOUBTED: payment(
        standing=Standing.PAID,
        completed=True,
        **booked(50, dated=START + DAY - HOUR, told_at=START + DAY + HOUR),
    ),
    ProblemKind.OVER: payment(standing=Standing.OVERPAID, completed=True, **booked(500)),
}


@pytest.mark.parametrize("kind", ProblemKind)
def test_each_problem_of_a_payment_is_told_with_what_can_be_done(kind: ProblemKind) -> None:
    troubled = PROBLEMS[kind]
    [wrong] = payment_attention(troubled, START + DAY)
    assert (wrong.kind, wrong.key, wrong.payment_id) == (kind, f"{kind}:pay_1", "pay_1")
    assert (wrong.since, wrong.news_at) == (START + DAY, START + DAY)
    [problem] = problems_of(troubled)
    assert wrong.detail == problem.detail
    assert wrong.title
    assert wrong.advice.endswith(".")
    assert "settle" in wrong.remedies
    # Nothing is advised that is not offered.
    offered = {"accept it": "accept", "Accept it": "accept", "ancel it": "cancel", "eep waiting": "wait"}
    offered |= {"a refund": "refund", "ismiss": "dismiss"}
    for words, remedy in offered.items():
        assert words not in wrong.advice or remedy in wrong.remedies
    # The buttons are there exactly where the routes take the answers.
    now = START + 2 * DAY
    rules = {"accept": acceptance("Ada", "x"), "cancel": cancellation("Ada", "x"), "wait": waiting(now + DAY)}
    for remedy, rule in rules.items():
        if remedy in wrong.remedies:
            assert decide(troubled, rule.decide(troubled, now), now).payment != troubled
        else:
            with pytest.raises(RulingRefusedError):
                rule.decide(troubled, now)


def test_a_decision_moves_a_payment_as_it_says() -> None:
    troubled, now = PROBLEMS[ProblemKind.PARTLY_PAID_EXPIRED], START + 2 * DAY
    assert troubled.status is PaymentStatus.EXPIRED
    accepted, cancelled, prolonged = (
        decide(troubled, rule.decide(troubled, now), now).payment
        for rule in (acceptance("Ada", "x"), cancellation("Ada", "x"), waiting(now + DAY))
    )
    assert accepted.status is PaymentStatus.COMPLETED
    assert cancelled.status is PaymentStatus.CANCELLED
    assert (prolonged.status, prolonged.deadline) == (PaymentStatus.PARTIALLY_PAID, now + DAY)
    assert problems_of(prolonged) == ()


@pytest.mark.parametrize(
    ("until", "said"),
    [
        (START, "a time to come"),
        (START + timedelta(hours=2), "already"),
        (START + timedelta(days=400), "within 366 days"),
    ],
)
def test_a_payment_waits_longer_than_it_does_and_not_for_ever(until: datetime, said: str) -> None:
    with pytest.raises(TimeWrongError, match=said):
        waiting(until).decide(payment(), START + timedelta(hours=1))


def test_a_buyer_without_an_address_is_told_of_with_what_the_gateway_says() -> None:
    silent, broken = without_address(INVOICE, None), without_address(INVOICE, "its wallet for ETH-USDT is off")
    assert silent.detail == "shkeeper has not opened an invoice in ETH-USDT yet"
    assert broken.detail == f"{silent.detail}; shkeeper: its wallet for ETH-USDT is off"
    refused = without_address(INVOICE, None, "SHKeeper's price contradicts itself")
    assert refused.detail == f"{silent.detail}; shkeeper: SHKeeper's price contradicts itself"
    assert "such as its rate" in refused.advice
    # What is wrong with the provider now comes before what it said then.
    assert without_address(INVOICE, "its wallet for ETH-USDT is off", "it was") == broken
    assert (silent.since, silent.payment_id, silent.remedies) == (START, "pay_1", ("cancel",))


def test_what_may_go_out_twice_is_looked_at_before_all_else_and_no_kind_is_forgotten() -> None:
    assert BY_URGENCY[:4] == (
        AttentionKind.PAYOUT_SENT_AFTER_ALL,
        AttentionKind.PAYOUT_PAID_TWICE,
        ProblemKind.OVERDRAWN,
        ProblemKind.REFUNDED_WHILE_PAID_OUT,
    )
    assert sorted(BY_URGENCY) == sorted([*AttentionKind, *ProblemKind])
    # What is wrong with one payment is told in this order too.
    assert [kind for kind in BY_URGENCY if isinstance(kind, ProblemKind)] == list(ProblemKind)
