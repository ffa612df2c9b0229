"""What the money of a payment is in the books; `test_escrow.py` plays everything that can be done with it."""

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from coordinator.books.entries import Account, EntryKind, balances_of, changes, sold
from coordinator.payments.agreed.agreements import Checkout, Share
from coordinator.payments.observed.observations import (
    EscrowReleased,
    Observation,
    PaymentAccepted,
    PurchaseCancelled,
    RefundMoved,
    RefundOf,
    Release,
)
from coordinator.payments.payments import Payment
from tests.coordinator.agreed import PAYMENT, judged, notice, play, transfer

SHARES = (
    Share(request_id="r1", seller_id="s1", amount=Decimal(60)),
    Share(request_id="r2", seller_id="s2", amount=Decimal(40)),
)
CHECKOUT = PAYMENT.model_copy(update={"checkout": Checkout(checkout_id="c1", shares=SHARES)})


def paid(*values: object) -> Observation:
    came = [transfer(f"t{number}", value) for number, value in enumerate(values)]
    return notice(judged(sum((one.amount for one in came), Decimal())), *came, proven=None)


def refund(amount: object, seller_id: str | None = "s1", of: RefundOf = RefundOf.GOODS) -> RefundMoved:
    return RefundMoved(
        refund_id=f"ref_{seller_id}", of=of, seller_id=seller_id, amount=Decimal(str(amount)), release=Release.DONE
    )


def payout(amount: object, seller_id: str = "s1", release: Release = Release.DONE, step: int = 0) -> EscrowReleased:
    worth = Decimal(str(amount))
    return EscrowReleased(payout_id="out_1", seller_id=seller_id, release=release, worth=worth, step=step)


ACCEPTED = PaymentAccepted(by="Ada", note="it is fine")
SALE = {"sale s1": 100, "received": 100, "coin-in": 100}
OF_BOTH = {"sale s1": 60, "sale s2": 40, "received": 100, "coin-in": 100}


@pytest.mark.parametrize(
    ("payment", "told", "expected"),
    [
        (PAYMENT, [], {}),
        (PAYMENT, [paid(40)], {"received": 40, "coin-in": 40}),
        (PAYMENT, [paid(100)], SALE),
        (PAYMENT, [paid(40), paid(40, 60)], SALE),
        (PAYMENT, [paid(96)], {"sale s1": 100, "shortfall s1": 4, "received": 96, "coin-in": 96}),
        # Its seller is owed all of what a person takes as paid.
        (
            PAYMENT,
            [paid(30), ACCEPTED],
            {"sale s1": 100, "shortfall s1": 70, "covered s1": 70, "received": 30, "coin-in": 30},
        ),
        (PAYMENT, [ACCEPTED], {"sale s1": 100, "shortfall s1": 100, "covered s1": 100}),
        (PAYMENT, [ACCEPTED, paid(100)], SALE),
        (
            CHECKOUT,
            [paid(50), ACCEPTED],
            {"sale s1": 60, "shortfall s1": 30, "covered s1": 30}
            | {"sale s2": 40, "shortfall s2": 20, "covered s2": 20, "received": 50, "coin-in": 50},
        ),
        (PAYMENT, [paid(120)], {"sale s1": 100, "excess": 20, "received": 120, "coin-in": 120}),
        (PAYMENT, [paid(100), refund(30)], SALE | {"refund s1": 30}),
        (PAYMENT, [paid(40), refund(40)], {"received": 40, "coin-in": 40, "sent-back": 40}),
        (
            PAYMENT,
            [paid(120), refund(20, None, RefundOf.EXCESS)],
            {"sale s1": 100, "excess": 20, "received": 120, "coin-in": 120, "sent-back": 20},
        ),
        (PAYMENT, [paid(100), payout(98)], SALE | {"payout s1": 98}),
        (PAYMENT, [paid(100), payout(98), payout(98, release=Release.FAILED, step=1)], SALE),
        (CHECKOUT, [paid(100)], OF_BOTH),
        (CHECKOUT, [paid(100), refund(10, None)], OF_BOTH | {"refund s1": 6, "refund s2": 4}),
        # What is for a request that was cancelled before is no sale, and neither is its way back a refund of one.
        (
            CHECKOUT,
            [PurchaseCancelled(request_id="r2"), paid(100)],
            {"sale s1": 60, "received": 100, "coin-in": 100},
        ),
        (
            CHECKOUT,
            [PurchaseCancelled(request_id="r2"), paid(100), refund(40, "s2")],
            {"sale s1": 60, "received": 100, "coin-in": 100, "sent-back": 40},
        ),
    ],
)
def test_the_money_of_a_payment_is(payment: Payment, told: list[Observation], expected: dict[str, int]) -> None:
    found = balances_of(play(*told, payment=payment)[0])
    assert {" ".join(filter(None, (one.kind, one.seller_id))): amount for one, amount in found.items()} == expected
    sales = sum(amount for account, amount in found.items() if account.kind is EntryKind.SALE)
    assert sold(play(*told, payment=payment)[0]) == sales


def test_what_came_before_it_was_sold_is_entered_once() -> None:
    partly = balances_of(play(paid(40), refund(40))[0])
    completed = balances_of(play(paid(40), refund(40), paid(40, 60))[0])
    entered = {entry.account.kind: entry.amount for entry in changes(partly, completed)}
    assert entered == {"received": 60, "coin-in": 60, "sale": 100, "sent-back": -40, "refund": 40}


def test_what_is_as_it_was_is_not_entered() -> None:
    account = Account(EntryKind.FEE, "USD")
    assert changes({account: Decimal("1.0")}, {account: Decimal(1)}) == []
    assert changes({account: Decimal(1)}, {}) == [(account, Decimal(-1))]


observations = st.sampled_from(
    [ACCEPTED, PurchaseCancelled(request_id="r1"), paid(100), paid(40), refund(40), refund(30, None)]
)


@example([ACCEPTED, paid(100), PurchaseCancelled(request_id="r1")])
@given(st.lists(observations, max_size=5))
def test_the_one_seller_of_a_payment_is_entered_as_each_of_several(told: list[Observation]) -> None:
    shares = (Share(request_id="r1", seller_id="s1", amount=Decimal(100)),)
    of_checkout = PAYMENT.model_copy(update={"checkout": Checkout(checkout_id="k1", shares=shares)})
    assert balances_of(play(*told, payment=PAYMENT)[0]) == balances_of(play(*told, payment=of_checkout)[0])


def test_what_is_entered_in_a_currency_is_in_the_scale_that_was_agreed() -> None:
    agreed = PAYMENT.model_copy(update={"amount": Decimal("100.00")})
    told = (paid(130), payout(60), refund(10), refund(30, None, RefundOf.EXCESS))
    payment, _ = play(*told, payment=agreed)
    of_money = {account.kind: amount for account, amount in balances_of(payment).items() if account.wallet is None}
    assert {kind: f"{amount:f}" for kind, amount in of_money.items()} == {
        EntryKind.RECEIVED: "130.00",
        EntryKind.EXCESS: "30.00",
        EntryKind.SALE: "100.00",
        EntryKind.REFUND: "10.00",
        EntryKind.SENT_BACK: "30.00",
        EntryKind.PAYOUT: "60.00",
    }
