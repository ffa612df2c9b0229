"""Fees: what the buyer paid for the goods and what for the gateway, to the cent under each of its policies."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.fees import NO_FEE, Fee, FeePolicy
from coordinator.observations import Standing
from tests.coordinator.agreed import PAYMENT, notice, play, transfer

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
        (PERCENT, ["20.4"], "20", "0.4", "29.90", "0.598", "0"),
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
    notices = [notice(Standing.PARTIAL, *transfers, trigger=name, fee=fee) for name in names]
    payment, _ = play(*notices, payment=AMOUNT)
    shown = (payment.received, payment.fee, payment.missing, payment.missing_fee, payment.excess)
    assert shown == tuple(map(Decimal, (received, share, missing, missing_share, excess)))


def test_what_the_gateway_says_of_each_transfer_is_taken_but_never_more_than_its_policy() -> None:
    half = transfer("t1", "27.45", fee=Decimal(5)), transfer("t2", "27.45", fee=Decimal(5))
    notices = [notice(Standing.OVERPAID, *half, trigger=one.transfer_id, fee=FIXED) for one in half]
    payment, _ = play(*notices, payment=AMOUNT)
    assert payment.status == "completed"
    assert (payment.received, payment.fee, payment.excess) == (Decimal("49.9"), Decimal(5), Decimal(0))


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
