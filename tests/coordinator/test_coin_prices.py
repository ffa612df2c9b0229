"""What a coin counts for in a payout is compared with what it was worth in prices asked before."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.coin_prices import price_doubt, strays_from

RATES = st.decimals("0.000001", "1000000", places=6).filter(lambda rate: rate > 0)


def doubt(worth: str, *lately: str) -> str:
    return price_doubt(Decimal("0.5"), "BTC", Decimal(worth), "USD", [Decimal(rate) for rate in lately]) or ""


@pytest.mark.parametrize(
    ("worth", "lately", "doubted"),
    [
        ("50000", ("100000",), False),
        ("47500", ("100000", "99000", "101000"), False),  # less a margin
        ("25000", ("100000",), False),
        ("24999", ("100000",), True),
        ("75000", ("100000",), False),
        ("75001", ("100000",), True),
        ("5000", ("100000",), True),  # a tenth
        ("500000", ("100000",), True),  # ten times
        ("50000", ("100000", "101000", "10000"), False),  # one that was wrong before does not move the middle
        ("5000", ("100000", "101000", "10000"), True),
    ],
)
def test_a_price_that_differs_by_more_than_half_is_doubted(
    worth: str, lately: tuple[str, ...], doubted: bool
) -> None:
    assert bool(doubt(worth, *lately)) is doubted


def test_it_says_what_the_prices_are() -> None:
    assert doubt("5000", "100000") == "it counts one BTC as 10000 USD, and buyers were asked for 100000 lately"
    nothing = "nobody was asked to pay with BTC lately, so that nothing tells whether 0.5 BTC are worth 5000 USD"
    assert doubt("5000") == doubt("5000", "0") == nothing


@given(RATES, RATES)
def test_it_matters_how_far_off_it_is_and_not_which_coin_it_is(asked: Decimal, worth: Decimal) -> None:
    assert strays_from(asked, worth) is (worth < asked / 2 or worth > asked * 3 / 2)
    assert not strays_from(asked, asked)
