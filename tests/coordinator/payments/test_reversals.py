"""What a provider gives back by itself, and what a buyer's bank takes back, in any order and however often."""

import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from coordinator.payments.decisions import decide
from coordinator.payments.observations import (
    InvoiceSnapshot,
    Observation,
    Standing,
    Transfer,
    TransferSeen,
)
from coordinator.payments.payments import Payment, PaymentStatus
from coordinator.payments.problems import ProblemKind, hold_on_payouts, may_have_gone_back, problems_of
from coordinator.payments.reversals import DisputeStage, PaymentDisputed, RefundedThere
from coordinator.payments.rulings import RulingRefusedError, acceptance
from coordinator.payouts.earnings import escrow_of, left_to_pay_out

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
PAYMENT = Payment(
    payment_id="pay_1",
    provider="cards",
    external_id="pay_1",
    request_id="r1",
    buyer_id="b1",
    seller_id="s1",
    amount=Decimal("49.90"),
    currency="USD",
    created_at=NOW - timedelta(hours=1),
)
CHARGE = Transfer(transfer_id="ch_1", asset="USD", amount=Decimal("49.90"), over_a_chain=False)
AUTHORISED = TransferSeen(transfer=CHARGE)
CAPTURED = InvoiceSnapshot(
    standing=Standing.PAID,
    currency="USD",
    received=Decimal("49.90"),
    transfers=(CHARGE.model_copy(update={"value": CHARGE.amount}),),
    coin="USD",
)
REFUNDED = RefundedThere(reference="re_1", amount=Decimal("9.90"), currency="USD")


def disputed(stage: DisputeStage, amount: str = "30", currency: str = "USD") -> PaymentDisputed:
    return PaymentDisputed(reference="dp_1", stage=stage, amount=Decimal(amount), currency=currency)


OPEN, WON, LOST = (disputed(stage) for stage in DisputeStage)


def after(*observations: Observation) -> Payment:
    payment = PAYMENT
    for observation in observations:
        payment = decide(payment, observation, NOW).payment
    return payment


@pytest.mark.parametrize("ending", [WON, LOST])
def test_any_order_and_repetition_ends_the_same(ending: PaymentDisputed) -> None:
    told: tuple[Observation, ...] = (AUTHORISED, CAPTURED, REFUNDED, OPEN, ending, REFUNDED)
    ends = [after(*order).facts for order in itertools.permutations(told)]
    assert all(end == ends[0] for end in ends)


def test_what_goes_over_no_chain_has_no_hash_in_its_events() -> None:
    events = decide(PAYMENT, AUTHORISED, NOW).events
    assert [one.name for one in events][:2] == ["payment-update", "purchase-request-update"]
    assert not [one for one in events if "txHash" in one.payload]


def test_a_refund_there_is_no_more_paid_out_and_completes_what_it_takes_whole() -> None:
    part = after(CAPTURED, REFUNDED)
    assert (part.status, part.refunded, problems_of(part)) == (PaymentStatus.COMPLETED, Decimal("9.90"), ())
    assert left_to_pay_out(part, "s1", []) == Decimal("40.00")
    rest = RefundedThere(reference="re_2", amount=Decimal(40), currency="USD")
    assert decide(part, rest, NOW).payment.status is PaymentStatus.REFUNDED


def test_a_dispute_holds_all_of_it_until_the_bank_decides_whoever_took_it_as_paid() -> None:
    held = after(CAPTURED, OPEN)
    held = held.with_facts(held.facts.model_copy(update={"accepted": True, "accepted_at": NOW + timedelta(days=1)}))
    reason = "the buyer's bank disputes 30.00 USD (dp_1)"
    assert (hold_on_payouts(held), may_have_gone_back(held)) == (reason, reason)
    assert [(one.kind, one.detail) for one in problems_of(held)] == [("payment-disputed", reason)]
    assert (escrow_of(held, []).held, escrow_of(held, []).under_way) == (Decimal("49.90"), Decimal(30))
    with pytest.raises(RulingRefusedError, match="bank disputes it, and decides"):
        acceptance("Ada", "it is fine").decide(held, NOW)
    won = decide(held, WON, NOW).payment
    assert (hold_on_payouts(won), problems_of(won), left_to_pay_out(won, "s1", [])) == (None, (), Decimal("49.90"))
    lost = decide(held, LOST, NOW).payment
    assert (hold_on_payouts(lost), problems_of(lost), left_to_pay_out(lost, "s1", [])) == (None, (), Decimal("19.90"))
    assert (lost.status, lost.refunded) == (PaymentStatus.COMPLETED, Decimal(30))


@pytest.mark.parametrize("reversal", [disputed(DisputeStage.LOST, currency="EUR"), REFUNDED])
def test_what_goes_back_in_another_currency_is_not_counted(reversal: PaymentDisputed | RefundedThere) -> None:
    other = reversal.model_copy(update={"currency": "EUR"})
    moved = decide(after(CAPTURED), other, NOW).payment
    assert moved.refunded == 0
    assert [one.kind for one in problems_of(moved)] == [ProblemKind.OTHER_CURRENCY]
