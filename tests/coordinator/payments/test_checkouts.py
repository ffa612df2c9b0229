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
    PurchaseCancelled,
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
    update, *of_shares, confirmed, progress, of_first, of_second = events
    assert {one.name for one in (progress, of_first, of_second)} == {"payment-progress"}
    assert progress.audience.rooms == ("ops", "template-checkout-k1", "user-b1")
    assert (of_first.audience.rooms, of_second.audience.rooms) == (("user-s1",), ("user-s2",))
    assert [(one.payload["received"], one.payload["missing"]) for one in (of_first, of_second)] == [
        ("80.00", "0.00"),
        ("20.00", "0.00"),
    ]
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


def test_no_seller_is_told_what_came_for_the_others() -> None:
    whole, *of_sellers = [
        one.payload for one in told(snapshot(Standing.PARTIAL, 50)) if one.name == "payment-progress"
    ]
    assert (whole["received"], whole["missing"]) == ("50.00", "50.00")
    assert [(one["received"], one["missing"]) for one in of_sellers] == [("40.00", "40.00"), ("10.00", "10.00")]
    assert not any("fee" in one or "missingFee" in one for one in of_sellers)


def test_a_request_that_is_cancelled_is_told_so_and_nothing_of_what_comes_for_the_others() -> None:
    cancelled = told(PurchaseCancelled(request_id="r2"))
    update, whole, of_first, of_second = cancelled
    assert (update.name, update.audience.rooms) == ("purchase-request-update", ("request-r2",))
    assert update.payload["type"] == "payment-cancelled"
    assert update.payload["status"] == "cancelled"
    assert [one.payload["status"] for one in (whole, of_first, of_second)] == ["pending", "pending", "cancelled"]
    paid = told(PurchaseCancelled(request_id="r2"), PAID)[len(cancelled) :]
    assert paid[0].audience.rooms == ("request-r1", "request-r3", "user-b1", "user-s1")
    assert "request-r2" not in {room for one in paid for room in one.audience.rooms}
    hers = [one for one in paid if "user-s2" in one.audience.rooms]
    assert [(one.name, one.payload["status"]) for one in hers] == [("payment-progress", "cancelled")]


@pytest.mark.parametrize("others", [["r1"], ["r1", "r3"]])
def test_of_two_requests_of_one_seller_both_have_to_be_cancelled(others: list[str]) -> None:
    events = told(*(PurchaseCancelled(request_id=one) for one in others), PAID)
    hers = [one for one in events if one.name == "payment-progress" and one.audience.rooms == ("user-s1",)]
    assert hers[-1].payload["status"] == ("cancelled" if len(others) == 2 else "completed")


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
