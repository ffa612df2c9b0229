"""What a seller has earned of a payment, and that no payouts of it come to more."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.money import total
from coordinator.payments.agreed.agreements import Checkout, Share
from coordinator.payments.agreed.fees import Fee, FeePolicy
from coordinator.payments.facts.booked import Booked
from coordinator.payments.facts.facts import Facts
from coordinator.payments.observed.observations import Transfer
from coordinator.payments.payments import Payment
from coordinator.payouts.earnings import earned, left_to_pay_out
from coordinator.payouts.payouts import Payout, PayoutFacts

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def payment(came: str, **facts: Any) -> Payment:
    transfer = Transfer(transfer_id="0x1", asset="ETH-USDT", amount=Decimal(came), value=Decimal(came))
    return Payment(
        payment_id="pay_1",
        provider="shkeeper",
        external_id="order-1",
        request_id="r1",
        buyer_id="b1",
        seller_id="s1",
        amount=Decimal("49.90"),
        currency="USD",
        created_at=NOW,
        facts=Facts(booked=(Booked(transfer=transfer, is_proven=True),), completed=True, **facts),
    )


def payout(number: int, worth: str | None, seller_id: str = "s1", **facts: Any) -> Payout:
    return Payout(
        payout_id=f"out_{number}",
        provider="shkeeper",
        payment_id="pay_1",
        seller_id=seller_id,
        destination="0xAb",
        coin="ETH-USDT",
        amount=Decimal(worth or "1"),
        worth=None if worth is None else Decimal(worth),
        created_at=NOW,
        facts=PayoutFacts(**facts),
    )


@pytest.mark.parametrize(
    ("sold", "is_earned"),
    [
        (payment("49.90"), "49.90"),
        (payment("60"), "49.90"),  # what came too much is the buyer's
        (payment("48"), "48"),  # within the tolerance of a gateway whose prices are rounded
        (payment("5", accepted=True), "49.90"),  # a person has it that all of it is there
        (
            payment("50.898", fees_said={"ETH-USDT": (Fee(policy=FeePolicy.PERCENT, percent=Decimal(2)),)}),
            "49.90",
        ),
    ],
)
def test_earned_is_what_came_for_the_goods_and_no_more_than_was_agreed(sold: Payment, is_earned: str) -> None:
    assert earned(sold, "s1") == Decimal(is_earned)
    assert earned(sold, "somebody-else") == 0


def test_of_a_checkout_each_seller_has_earned_their_share_of_what_came() -> None:
    shares = (
        Share(request_id="r1", seller_id="s1", amount=Decimal("10.50")),
        Share(request_id="r2", seller_id="s2", amount=Decimal("39.40")),
    )
    checkout = Checkout(checkout_id="checkout-1", shares=shares)
    whole = payment("49.90").model_copy(update={"checkout": checkout})
    assert [earned(whole, one) for one in ("s1", "s2")] == [Decimal("10.50"), Decimal("39.40")]
    short = payment("24.95").model_copy(update={"checkout": checkout})
    assert [earned(short, one) for one in ("s1", "s2")] == [Decimal("5.25"), Decimal("19.70")]


def test_payouts_add_up_unless_their_money_has_not_left_or_is_back() -> None:
    sold = payment("49.90")
    for payouts, left in (
        ([], "49.90"),
        ([payout(1, "20")], "29.90"),
        ([payout(1, "20"), payout(2, "29.90")], "0"),
        ([payout(1, "20", failures=frozenset({"no money"}))], "49.90"),
        ([payout(1, "20", failures=frozenset({"no money"}), tx_hashes=("0x1",))], "29.90"),  # sent after all
        ([payout(1, "20", unclear=frozenset({"no answer"}), attempts=1)], "29.90"),
        ([payout(1, "49.90", tx_hashes=("0x1",), confirmed=True, returns=("0x2",))], "49.90"),
        ([payout(1, "20", seller_id="s2")], "49.90"),
        ([payout(1, None)], "0"),  # of before its worth was written down
    ):
        assert left_to_pay_out(sold, "s1", payouts) == Decimal(left)


@given(st.lists(st.decimals("0.01", "60", places=2), max_size=8), st.decimals("0.01", "80", places=2))
def test_whatever_is_asked_for_never_comes_to_more_than_was_earned(wanted: list[Decimal], came: Decimal) -> None:
    sold, taken = payment(str(came)), list[Payout]()
    for number, worth in enumerate(wanted):
        if worth <= left_to_pay_out(sold, "s1", taken):
            taken.append(payout(number, str(worth)))
    paid_out = total(one.worth for one in taken if one.worth is not None)
    assert paid_out <= min(came, sold.amount)
