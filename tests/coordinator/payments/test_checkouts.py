"""Template checkouts: one payment for several purchase requests, and what each of them and each seller hears."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from coordinator.events import Event
from coordinator.payments.agreed.agreements import Checkout, Share
from coordinator.payments.deciding.decisions import CHECKOUT_FAILURES, created, decide
from coordinator.payments.observed.observations import (
    DeadlinePassed,
    Ending,
    EscrowReleased,
    InvoiceEnded,
    InvoiceSnapshot,
    Observation,
    Release,
    Standing,
    Transfer,
)
from coordinator.payments.payments import Payment, PaymentStatus

NOW = datetime(2026, 5, 1, tzinfo=UTC)
SHARES = (
    Share(request_id="r1", seller_id="s1", offer_id="o1", amount=Decimal("49.90")),
    Share(request_id="r2", seller_id="s2", amount=Decimal("20.00")),
    Share(request_id="r3", seller_id="s1", amount=Decimal("30.10")),
)
PAYMENT = Payment(
    payment_id="pay_1",
    provider="shkeeper",
    external_id="order-1",
    request_id="r1",
    buyer_id="b1",
    seller_id="s1",
    amount=Decimal("100.00"),
    currency="USD",
    created_at=NOW,
    expires_at=NOW + timedelta(hours=1),
    checkout=Checkout(checkout_id="k1", shares=SHARES),
)


def snapshot(standing: Standing, received: int) -> InvoiceSnapshot:
    transfer = Transfer(transfer_id=f"t{received}", asset="ETH-USDT", amount=Decimal(received))
    return InvoiceSnapshot(standing=standing, currency="USD", received=Decimal(received), transfers=(transfer,))


PAID = snapshot(Standing.PAID, 100)


def told(*observations: Observation) -> list[Event]:
    payment, events = PAYMENT, list[Event]()
    for observation in observations:
        decision = decide(payment, observation, NOW)
        payment, events = decision.payment, [*events, *decision.events]
    return events


def test_a_new_checkout_is_pending() -> None:
    event = created(PAYMENT)
    assert (event.name, event.payload) == ("template-checkout-payment-pending", {"checkoutId": "k1"})
    assert event.audience.everyone
    assert event.audience.rooms == ("template-checkout-k1",)


def test_a_paid_checkout_is_confirmed_and_each_request_and_seller_hears_of_its_share() -> None:
    events = told(PAID)
    update, *of_shares, confirmed, progress = events
    assert progress.name == "payment-progress"
    assert update.name == "payment-update"
    assert update.audience.rooms == (
        *("request-r1", "request-r2", "request-r3"),
        *("user-b1", "user-s1", "user-s2"),
    )
    heard = [(event.name, event.audience.rooms, event.payload.get("amount")) for event in of_shares]
    assert heard == [
        ("payment-received", ("user-s1",), "49.90"),
        ("purchase-request-update", ("request-r1",), None),
        ("seller-offer-update", ("seller-s1",), None),
        ("payment-received", ("user-s2",), "20.00"),
        ("purchase-request-update", ("request-r2",), None),
        ("seller-offer-update", ("seller-s2",), None),
        ("payment-received", ("user-s1",), "30.10"),
        ("purchase-request-update", ("request-r3",), None),
        ("seller-offer-update", ("seller-s1",), None),
    ]
    assert confirmed.name == "template-checkout-payment-confirmed"
    assert confirmed.payload == {"checkoutId": "k1", "requestIds": ["r1", "r2", "r3"], "paymentId": "pay_1"}


@pytest.mark.parametrize(
    ("observation", "status"),
    [
        (DeadlinePassed(deadline=NOW + timedelta(hours=1)), PaymentStatus.EXPIRED),
        (InvoiceEnded(ending=Ending.CANCELLED), PaymentStatus.CANCELLED),
        (InvoiceEnded(ending=Ending.FAILED), PaymentStatus.FAILED),
        (InvoiceEnded(ending=Ending.REFUNDED), PaymentStatus.CANCELLED),
    ],
)
def test_a_checkout_that_ends_without_its_money_fails_for_a_reason(
    observation: Observation, status: PaymentStatus
) -> None:
    events = told(observation)
    names = [event.name for event in events]
    assert names == ["payment-update", *["purchase-request-update"] * 3, "template-checkout-payment-failed"]
    assert events[-1].payload == {"checkoutId": "k1", "reason": CHECKOUT_FAILURES[status]}
    assert len(CHECKOUT_FAILURES[status]) > 10


def test_money_that_comes_late_confirms_a_checkout_that_had_failed() -> None:
    names = [event.name for event in told(DeadlinePassed(deadline=NOW + timedelta(hours=1)), PAID)]
    assert names.index("template-checkout-payment-failed") < names.index("template-checkout-payment-confirmed")


def test_escrow_is_released_when_every_seller_has_their_payout() -> None:
    payment = decide(PAYMENT, PAID, NOW).payment
    steps = [
        ("s1", "out_1", Release.UNDER_WAY, "releasing"),
        ("s1", "out_1", Release.DONE, "releasing"),
        ("s2", "out_2", Release.UNDER_WAY, "releasing"),
        ("s2", "out_2", Release.FAILED, "releasing"),
        ("s2", "out_3", Release.DONE, "released"),
    ]
    assert payment.escrow_state == "funded"
    for seller_id, payout_id, release, escrow_state in steps:
        released = EscrowReleased(payout_id=payout_id, seller_id=seller_id, release=release)
        payment = decide(payment, released, NOW).payment
        assert payment.escrow_state == escrow_state
