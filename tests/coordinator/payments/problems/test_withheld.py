"""A checkout of which a request was cancelled: what came for that is nobody's until a person has it so."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.events import Event
from coordinator.money import total
from coordinator.payments.agreed.agreements import Checkout, Share
from coordinator.payments.observed.observations import (
    Observation,
    PaymentAccepted,
    PurchaseCancelled,
    RefundMoved,
    RefundOf,
    Release,
    Standing,
)
from coordinator.payments.payments import Payment
from coordinator.payments.problems.problems import ProblemKind, hold_on_payouts, problems_of
from coordinator.payments.problems.rulings import RulingRefusedError, acceptance, open_rulings
from coordinator.payments.problems.withheld import withheld_from
from coordinator.payouts.earnings import left_to_pay_out, left_to_refund
from tests.coordinator.agreed import NOW, PAYMENT, judged, notice, play, transfer

LATER = NOW + timedelta(minutes=5)

CHECKOUT = PAYMENT.model_copy(
    update={
        "checkout": Checkout(
            checkout_id="c1",
            shares=(
                Share(request_id="r1", seller_id="s1", offer_id="o1", amount=Decimal(60)),
                Share(request_id="r2", seller_id="s2", offer_id="o2", amount=Decimal(40)),
            ),
        )
    }
)
CANCELLED = PurchaseCancelled(request_id="r1")
PAID = notice(Standing.PAID, transfer("t1", 100))


def told(events: list[Event]) -> list[tuple[str, object]]:
    """Of each share's request or seller, what is told of it."""
    names = ("payment-received", "purchase-request-update", "seller-offer-update")
    return [
        (one.name, one.payload.get("purchaseRequestId") or one.payload.get("requestId"))
        for one in events
        if one.name in names
    ]


def refund(amount: str, seller_id: str | None = "s1") -> RefundMoved:
    return RefundMoved(
        refund_id="ref_1",
        of=RefundOf.GOODS,
        seller_id=seller_id,
        amount=Decimal(amount),
        release=Release.UNDER_WAY,
        step=1,
    )


def left(payment: Payment) -> dict[str, Decimal]:
    """What each seller may be paid out."""
    return {seller_id: left_to_pay_out(payment, seller_id, []) for seller_id in payment.seller_ids}


def details(payment: Payment) -> list[tuple[str, str]]:
    return [(problem.kind, problem.detail) for problem in problems_of(payment)]


LISTED = (
    ProblemKind.PAID_AFTER_CANCELLATION,
    "r1 was cancelled before it was paid; 60.00 USD of what came is for it",
)


def test_it_is_completed_for_the_others_and_the_seller_of_the_cancelled_one_hears_nothing() -> None:
    payment, events = play(CANCELLED, PAID, payment=CHECKOUT)
    assert payment.status == "completed"
    assert told(events) == [
        ("purchase-request-update", "r1"),  # that it is cancelled
        ("payment-received", "r2"),
        ("purchase-request-update", "r2"),
        ("seller-offer-update", "r2"),
    ]
    confirmed = next(one for one in events if one.name == "template-checkout-payment-confirmed")
    assert confirmed.payload["requestIds"] == ["r2"]
    assert left(payment) == {"s1": Decimal(0), "s2": Decimal(40)}
    assert details(payment) == [LISTED]
    assert "accept" in open_rulings(payment)


def test_a_person_who_accepts_it_has_the_seller_told_and_paid() -> None:
    payment, _ = play(CANCELLED, PAID, payment=CHECKOUT)
    accepted, events = play(acceptance("Ada", "it holds").decide(payment, NOW), payment=payment)
    assert told(events) == [
        ("payment-received", "r1"),
        ("purchase-request-update", "r1"),
        ("seller-offer-update", "r1"),
    ]
    assert (left(accepted)["s1"], details(accepted)) == (Decimal(60), [])
    with pytest.raises(RulingRefusedError, match="completed already"):
        acceptance("Bo", "again").decide(accepted, NOW)


def test_a_refund_of_just_that_share_takes_it_off_the_list_and_the_others_are_paid() -> None:
    payment, _ = play(CANCELLED, PAID, payment=CHECKOUT)
    assert left_to_refund(payment, RefundOf.GOODS, "s1", []) == 60
    some, _ = play(refund("20"), payment=payment)
    assert details(some) == [(LISTED[0], LISTED[1].replace("60.00", "40.00"))]
    refunded, _ = play(refund("60"), payment=payment)
    assert (refunded.status, details(refunded)) == ("completed", [])
    assert left(refunded) == {"s1": Decimal(0), "s2": Decimal(40)}


def test_what_was_told_to_be_paid_is_not_withheld_by_a_later_cancellation() -> None:
    payment, _ = play(PAID, CANCELLED, payment=CHECKOUT)
    assert left_to_pay_out(payment, "s1", []) == 60
    assert details(payment) == [(LISTED[0], "r1 was cancelled; 60.00 USD of what came is for it")]


def test_of_two_that_are_cancelled_before_and_after_it_was_paid_both_are_listed() -> None:
    payment, _ = play(CANCELLED, PAID, PurchaseCancelled(request_id="r2"), payment=CHECKOUT)
    [(kind, detail)] = details(payment)
    assert (kind, detail) == (LISTED[0], f"{LISTED[1]}; r2 was cancelled; 40.00 USD of what came is for it")


def test_of_several_that_are_cancelled_those_whose_money_goes_back_are_told_no_more() -> None:
    other = PurchaseCancelled(request_id="r2")
    for first, second in ((PAID, other), (other, PAID)):
        payment, _ = play(CANCELLED, first, second, refund("60"), payment=CHECKOUT)
        [(kind, detail)] = details(payment)
        assert (kind, detail.startswith("r2 was cancelled"), "r1" in detail) == (LISTED[0], True, False)
        assert "40.00 USD of what came is for it" in detail
    paid, _ = play(PAID, CANCELLED, payment=CHECKOUT)
    some = "r1 was cancelled; 40.00 USD of what came is for it"
    assert details(play(refund("20"), payment=paid)[0]) == [(LISTED[0], some)]
    assert details(play(refund("60"), payment=paid)[0]) == []


def test_a_request_that_is_cancelled_after_a_person_accepted_comes_back_and_its_seller_is_not_paid() -> None:
    payment, _ = play(CANCELLED, PAID, PaymentAccepted(by="Ada", note="it holds"), payment=CHECKOUT)
    assert (details(payment), hold_on_payouts(payment)) == ([], None)
    payment, events = play(PurchaseCancelled(request_id="r2"), payment=payment)
    assert details(payment) == [
        (LISTED[0], "r2 was cancelled after the payment was taken as paid; 100.00 of 100.00 USD has come")
    ]
    assert (left(payment), told(events)) == ({"s1": Decimal(60), "s2": Decimal(0)}, [])
    assert (hold_on_payouts(payment, "s1"), hold_on_payouts(payment, "s2")) == (
        None,
        "r2 was cancelled after the payment was taken as paid",
    )
    # Whoever accepts it knowing that pays the seller, and nobody is told twice that they were paid.
    assert "accept" in open_rulings(payment)
    again = acceptance("Ada", "it holds all the same").decide(payment, LATER), LATER
    accepted, events = play(again, payment=payment)
    assert (details(accepted), left(accepted)["s2"], told(events)) == ([], Decimal(40), [])
    # Or the share goes back.
    refunded, _ = play(refund("40", "s2"), payment=payment)
    assert (details(refunded), left(refunded)) == ([], {"s1": Decimal(60), "s2": Decimal(0)})


@pytest.mark.parametrize("came", [[], ["92"], ["100"]])
@pytest.mark.parametrize("comes_later", [True, False])
def test_a_payment_whose_request_is_cancelled_after_it_was_accepted_waits_for_a_person_again(
    came: list[str], comes_later: bool
) -> None:
    money: list[Observation] = [notice(judged(Decimal(one)), transfer("t1", one)) for one in came]
    steps: list[Observation] = [PaymentAccepted(by="Ada", note="fine"), CANCELLED]
    payment, _ = play(*(steps + money if comes_later else money + steps))
    assert payment.status == "completed"
    assert [kind for kind, _ in details(payment)] == [ProblemKind.PAID_AFTER_CANCELLATION]
    assert hold_on_payouts(payment) == "r1 was cancelled after the payment was taken as paid"
    assert left_to_pay_out(payment, "s1", []) == 0


def test_one_of_a_sellers_two_requests_is_withheld_and_the_other_is_theirs() -> None:
    assert CHECKOUT.checkout is not None
    shares = tuple(share.model_copy(update={"seller_id": "s1"}) for share in CHECKOUT.checkout.shares)
    checkout = CHECKOUT.model_copy(update={"checkout": Checkout(checkout_id="c1", shares=shares)})
    payment, events = play(CANCELLED, PAID, payment=checkout)
    assert [about for name, about in told(events) if name == "payment-received"] == ["r2"]
    assert left_to_pay_out(payment, "s1", []) == 40
    # What goes back is the withheld share.
    refunded, _ = play(refund("60"), payment=payment)
    assert (left(refunded)["s1"], details(refunded)) == (Decimal(40), [])


def test_a_checkout_all_of_whose_requests_were_cancelled_is_completed_by_nobodys_money() -> None:
    payment, events = play(CANCELLED, PurchaseCancelled(request_id="r2"), PAID, payment=CHECKOUT)
    assert (payment.status, told([one for one in events if one.name == "payment-received"])) == ("cancelled", [])


came = st.lists(st.sampled_from([Decimal(one) for one in ("10", "33.33", "50", "100")]), max_size=4)


@given(came, st.permutations(["cancelled", "paid", "accepted", "refunded"]), st.booleans(), st.booleans())
def test_whatever_comes_first_no_more_is_a_sellers_than_came_for_requests_that_hold(
    amounts: list[Decimal], order: list[str], accepts: bool, restarts: bool
) -> None:
    payment, heard = CHECKOUT, list[Event]()
    for step in order:
        steps: list[Observation] = []
        if step == "cancelled":
            steps.append(CANCELLED)
        elif step == "accepted" and accepts:
            steps.append(PaymentAccepted(by="Ada", note="seen"))
        elif step == "refunded" and payment.status == "completed":
            steps.append(refund("20"))
        elif step == "paid" and amounts:
            listed = [transfer(f"t{number}", amount) for number, amount in enumerate(amounts)]
            steps.append(notice(judged(total(amounts)), *listed, proven=None))
        payment, events = play(*steps, payment=payment)
        heard += events
        if restarts:
            payment = Payment.model_validate_json(payment.model_dump_json())
    to_sellers = [one.payload["purchaseRequestId"] for one in heard if one.name == "payment-received"]
    assert len(to_sellers) == len(set(to_sellers))
    assert ("r1" in to_sellers) is (payment.status in ("completed", "refunded") and not payment.unpaid_requests)
    assert withheld_from(payment, "s2") == 0
    if payment.unpaid_requests:
        assert left_to_pay_out(payment, "s1", []) == 0
        assert withheld_from(payment, "s1") == payment.came_for("s1")
