"""Fees: what the buyer paid for the goods and what for the gateway, to the cent under each of its policies."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.payments.agreed.fees import NO_FEE, Fee, FeePolicy
from coordinator.payments.observed.observations import InvoicePriced, Standing
from tests.coordinator.agreed import PAYMENT, judged, notice, play, transfer

PERCENT = Fee(policy=FeePolicy.PERCENT, percent=Decimal(2))
FIXED = Fee(policy=FeePolicy.FIXED, fixed=Decimal(5))
AT_LEAST = Fee(policy=FeePolicy.PERCENT_AT_LEAST_FIXED, percent=Decimal(2), fixed=Decimal("1.5"))
AMOUNT = PAYMENT.model_copy(update={"amount": Decimal("49.90")})


@pytest.mark.parametrize(
    ("fee", "paid", "received", "share", "missing", "missing_share", "excess"),
    [
        (NO_FEE, ["49.90"], "49.90", "0", "0", "0", "0"),
        (NO_FEE, ["24.95"], "24.95", "0", "24.95", "0", "0"),
        (PERCENT, ["50.898"], "49.90", "0.998", "0", "0", "0"),
        (PERCENT, ["20.4"], "20", "0.4", "29.90", "0.60", "0"),
        (PERCENT, ["51"], "50", "1", "0", "0", "0.10"),
        (FIXED, ["54.9"], "49.9", "5", "0", "0", "0"),
        (FIXED, ["27.45", "27.45"], "49.90", "5", "0", "0", "0"),
        (FIXED, ["49.9"], "44.9", "5", "5.00", "0", "0"),
        (FIXED, ["3"], "0", "3", "49.90", "2", "0"),
        (FIXED, ["60"], "55", "5", "0", "0", "5.10"),
        (AT_LEAST, ["51.4"], "49.9", "1.5", "0", "0", "0"),
        (AT_LEAST, ["25.7", "25.7"], "49.9", "1.5", "0", "0", "0"),
    ],
)
def test_goods_and_fee_are_two_numbers(
    fee: Fee, paid: list[str], received: str, share: str, missing: str, missing_share: str, excess: str
) -> None:
    names = [f"t{number}" for number in range(len(paid))]
    transfers = [transfer(name, value) for name, value in zip(names, paid, strict=True)]
    verdict = judged(sum(map(Decimal, paid), Decimal(0)), AMOUNT.amount)
    notices = [notice(verdict, *transfers, trigger=name, fee=fee) for name in names]
    payment, _ = play(*notices, payment=AMOUNT)
    shown = (payment.received, payment.fee, payment.missing, payment.missing_fee, payment.excess)
    assert shown == tuple(map(Decimal, (received, share, missing, missing_share, excess)))


def test_what_the_gateway_says_of_each_transfer_is_taken_but_never_more_than_its_policy() -> None:
    half = transfer("t1", "27.45", fee=Decimal(5)), transfer("t2", "27.45", fee=Decimal(5))
    notices = [notice(Standing.OVERPAID, *half, trigger=one.transfer_id, fee=FIXED) for one in half]
    payment, _ = play(*notices, payment=AMOUNT)
    assert payment.status == "completed"
    assert (payment.received, payment.fee, payment.excess) == (Decimal("49.9"), Decimal(5), Decimal(0))


TEN_PERCENT = Fee(policy=FeePolicy.PERCENT, percent=Decimal(10))


def test_the_fee_of_one_coin_is_not_that_of_another() -> None:
    """95 in a coin that takes ten percent, then a cent in one that takes nothing: the goods are not paid by that."""
    first = transfer("t1", 95, asset="USDC", fee=Decimal("8.64"))
    second = transfer("t2", "0.01", asset="ETH-USDT", fee=Decimal(0))
    told = [
        notice(Standing.PAID, first, coin="USDC", fee=TEN_PERCENT),
        notice(Standing.PAID, first, second, coin="ETH-USDT", fee=NO_FEE),
    ]
    payment, _ = play(*told)
    assert payment.status == "partially_paid"
    assert (payment.received, payment.fee) == (Decimal("86.37"), Decimal("8.64"))
    assert play(*reversed(told))[0].received == payment.received


def test_a_fee_that_was_changed_makes_no_goods_of_what_was_taken() -> None:
    first = transfer("t1", 95, fee=Decimal("8.64"))
    second = transfer("t2", "0.01", fee=Decimal(0))
    payment, _ = play(notice(Standing.PAID, first, fee=TEN_PERCENT), notice(Standing.PAID, first, second, fee=NO_FEE))
    assert (str(payment.status), payment.received) == ("partially_paid", Decimal("86.37"))


def test_a_switch_of_coins_alone_pays_nothing() -> None:
    """Every webhook lost: what was heard by asking bears the fee of the coin that it came in."""
    paid = transfer("t1", 104, asset="USDC")
    asked = notice(Standing.OVERPAID, paid.model_copy(update={"value": None}), coin=None, received=Decimal(104))
    payment, _ = play(InvoicePriced(coin="USDC", fee=Decimal(10)), asked)
    assert (str(payment.status), payment.received) == ("partially_paid", Decimal(94))
    payment, _ = play(InvoicePriced(coin="ETH-USDT", fee=Decimal(0)), payment=payment)
    assert (str(payment.status), payment.received, payment.missing_fee) == ("partially_paid", Decimal(94), Decimal(0))
    # What is missing bears the fee of the coin that it is paid in, which may be a fixed one.
    assert payment.asked_in("BNB-USDT", Decimal(10)) == Decimal(16)


amounts = st.decimals(min_value="0.01", max_value="100000", places=2)
fees = st.builds(
    Fee,
    policy=st.sampled_from(FeePolicy),
    percent=st.decimals(min_value=0, max_value=30, places=2),
    fixed=st.decimals(min_value=0, max_value=20, places=2),
)


@given(fee=fees, amount=amounts, paid=amounts, more=amounts)
def test_goods_and_fee_make_up_what_was_paid_and_grow_with_it(
    fee: Fee, amount: Decimal, paid: Decimal, more: Decimal
) -> None:
    goods = fee.taken_off(paid, amount)
    assert 0 <= goods <= paid
    assert paid - goods <= fee.on(amount) + Decimal("0.01")
    assert goods <= fee.taken_off(paid + more, amount)
    assert fee.taken_off(amount + fee.on(amount), amount) == amount
    assert fee.taken_off(amount + fee.on(amount) + more, amount) == amount + more
