"""What a provider gives back by itself, and what a buyer's bank takes back, in any order and however often."""

import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from coordinator.money import ZERO
from coordinator.payments.agreed.agreements import Checkout, Share
from coordinator.payments.deciding.decisions import decide
from coordinator.payments.observed.observations import (
    EscrowReleased,
    InvoiceSnapshot,
    Observation,
    PaymentWithdrawn,
    PurchaseCancelled,
    RefundMoved,
    RefundOf,
    Release,
    Standing,
    Transfer,
    TransferSeen,
)
from coordinator.payments.observed.reversals import DisputeStage, PaymentDisputed, RefundedThere
from coordinator.payments.payments import Payment, PaymentStatus
from coordinator.payments.problems.problems import ProblemKind, hold_on_payouts, may_have_gone_back, problems_of
from coordinator.payments.problems.rulings import RulingRefusedError, acceptance
from coordinator.payouts.approval import doubts_about
from coordinator.payouts.earnings import escrow_of, left_to_pay_out, refundable
from coordinator.payouts.payouts import Payout

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
SHARES = {"s1": Decimal("39.93"), "s2": Decimal("9.97")}
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


def test_of_two_amounts_of_one_refund_the_larger_counts_whichever_is_told_first() -> None:
    less = REFUNDED.model_copy(update={"amount": Decimal(1)})
    for told in itertools.permutations((REFUNDED, less)):
        assert after(CAPTURED, *told).refunded == Decimal("9.90")


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


def sent_as(tx_hash: str | None, amount: str = "9.90", release: Release = Release.DONE) -> RefundMoved:
    """A refund that somebody told of as sent."""
    return RefundMoved(
        refund_id="back_1",
        of=RefundOf.GOODS,
        amount=Decimal(amount),
        release=release,
        step=int(release),
        carried_by=tx_hash,
    )


@pytest.mark.parametrize("release", [Release.UNDER_WAY, Release.DONE])
@pytest.mark.parametrize("tx_hash", ["re_1", "RE_1"])
def test_a_refund_that_was_told_as_sent_counts_once_when_its_provider_tells_of_it_too(
    tx_hash: str, release: Release
) -> None:
    told: tuple[Observation, ...] = (CAPTURED, sent_as(tx_hash, release=release), REFUNDED)
    for payment in (after(*order) for order in itertools.permutations(told)):
        assert left_to_pay_out(payment, "s1", []) == Decimal("40.00")
        assert problems_of(payment) == ()
        assert payment.refunded + escrow_of(payment, []).under_way == Decimal("9.90")
    # What its provider gave back beyond it counts as well; and all of it, if the refund comes to nothing.
    more = after(CAPTURED, sent_as(tx_hash, "4"), REFUNDED)
    assert (more.refunded, left_to_pay_out(more, "s1", [])) == (Decimal("9.90"), Decimal("40.00"))
    came_back = sent_as(tx_hash).model_copy(update={"release": Release.FAILED, "step": 9})
    assert after(*told, came_back).refunded == Decimal("9.90")


def test_a_refund_as_large_as_what_its_provider_gave_back_by_another_name_is_looked_at_by_a_person() -> None:
    told: tuple[Observation, ...] = (CAPTURED, sent_as("ch_refund_7"), REFUNDED)
    for payment in (after(*order) for order in itertools.permutations(told)):
        assert payment.refunded == Decimal("19.80")
        assert [(one.kind, one.detail) for one in problems_of(payment)] == [
            (
                ProblemKind.REFUND_TOLD_TWICE,
                "cards gave 9.90 USD back by itself (re_1), and back_1 sends as much back by ch_refund_7",
            )
        ]
    taken_back = sent_as("ch_refund_7").model_copy(update={"release": Release.FAILED, "step": 9})
    assert problems_of(after(*told, taken_back)) == ()
    assert problems_of(after(*told, REFUNDED.model_copy(update={"reference": "ch_refund_7"}))) == ()
    assert problems_of(after(CAPTURED, sent_as("ch_refund_7", "5"), REFUNDED)) == ()


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


def captured(*values: str) -> InvoiceSnapshot:
    """What the provider took, in so many charges."""
    transfers = [
        Transfer(transfer_id=f"ch_{number}", asset="USD", amount=amount, value=amount, over_a_chain=False)
        for number, amount in enumerate(map(Decimal, values))
    ]
    received = sum((one.amount for one in transfers), Decimal(0))
    standing = Standing.PARTIAL if received < PAYMENT.amount else Standing.OVERPAID
    return CAPTURED.model_copy(update={"standing": standing, "received": received, "transfers": tuple(transfers)})


def test_what_goes_back_by_itself_is_of_the_goods_first_and_then_of_what_came_too_much() -> None:
    over = after(captured("49.90", "10"))
    back = decide(over, RefundedThere(reference="re_1", amount=Decimal("59.90"), currency="USD"), NOW).payment
    escrow = escrow_of(back, [])
    assert (back.status, escrow.refunded, escrow.excess, escrow.overdrawn) == (
        PaymentStatus.REFUNDED,
        Decimal("59.90"),
        ZERO,
        ZERO,
    )
    assert (refundable(back, []), problems_of(back)) == ((), ())
    # The seller has the goods' money by then, so that only what came too much is there.
    released = EscrowReleased(payout_id="out_1", seller_id="s1", release=Release.DONE, worth=Decimal("49.90"), step=1)
    paid_out = decide(over, released, NOW).payment
    gone = decide(paid_out, RefundedThere(reference="re_1", amount=Decimal(10), currency="USD"), NOW).payment
    assert (gone.status, problems_of(gone)) == (PaymentStatus.COMPLETED, ())
    more = decide(gone, disputed(DisputeStage.LOST, "5"), NOW).payment
    assert [one.detail for one in problems_of(more)] == [
        "5.00 USD more went out than came: 44.90 of 49.90 USD (of 59.90 that came, 15.00 went back) has come"
    ]


def test_each_seller_of_a_checkout_has_their_part_of_what_goes_back_by_itself() -> None:
    shares = [Share(request_id=f"r{seller[1]}", seller_id=seller, amount=amount) for seller, amount in SHARES.items()]
    sold = PAYMENT.model_copy(update={"checkout": Checkout(checkout_id="c1", shares=tuple(shares))})
    payment = decide(decide(sold, CAPTURED, NOW).payment, disputed(DisputeStage.LOST, "10"), NOW).payment
    left = {seller: left_to_pay_out(payment, seller, []) for seller in SHARES}
    assert (left, sum(left.values())) == ({"s1": Decimal("31.92"), "s2": Decimal("7.98")}, Decimal("39.90"))


def test_what_is_left_of_a_cancelled_payment_is_asked_about_whatever_of_it_was_cancelled() -> None:
    shares = [Share(request_id=f"r{seller[1]}", seller_id=seller, amount=amount) for seller, amount in SHARES.items()]
    payment = PAYMENT.model_copy(update={"checkout": Checkout(checkout_id="c1", shares=tuple(shares))})
    for told in (
        PurchaseCancelled(request_id="r1"),
        PaymentWithdrawn(by="Ada", note="sold elsewhere"),
        captured("30"),
        REFUNDED,
    ):
        payment = decide(payment, told, NOW).payment
    told_of = "it was cancelled, and 20.10 of 49.90 USD (of 30.00 that came, 9.90 went back) has come"
    assert [(one.kind, one.detail) for one in problems_of(payment)] == [("payment-paid-after-cancellation", told_of)]


def test_what_was_ordered_before_some_of_it_went_back_waits_for_a_person() -> None:
    payout = Payout(
        payout_id="out_1",
        provider="cards",
        payment_id="pay_1",
        seller_id="s1",
        destination="acct_seller",
        coin="USD",
        amount=Decimal("49.90"),
        worth=Decimal("49.90"),
        created_at=NOW,
    )
    assert list(doubts_about(payout, after(CAPTURED), [])) == []
    [doubt] = doubts_about(payout, after(CAPTURED, REFUNDED), [])
    assert doubt == (
        "with it more leaves for s1 than the 40.00 USD that came and does not go back: it was more when this was"
        " ordered"
    )
