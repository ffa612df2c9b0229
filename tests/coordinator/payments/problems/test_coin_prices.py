"""What a coin counts for in a payout is compared with what it was worth as the payment was paid, or on other days;
whoever can be asked for prices at will does not teach it a wrong one."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.payments.deciding.decisions import decide
from coordinator.payments.facts.booked import Booked
from coordinator.payments.facts.facts import Facts
from coordinator.payments.facts.refunded import Refunded
from coordinator.payments.observed.observations import InvoicePriced, RefundOf, Release, Transfer
from coordinator.payments.payments import Payment
from coordinator.payments.problems.coin_prices import (
    DAYS_ASKED,
    DAYS_COMPARED,
    EarlierPrice,
    paid_at,
    price_doubt,
    usual_price,
    way_in_doubt,
)
from coordinator.payments.problems.problems import ProblemKind, problems_of
from tests.coordinator.payouts.test_earnings import payment

NOW = datetime(2026, 5, 8, 12, tzinfo=UTC)
RATES = st.decimals("0.000001", "1000000", places=6).filter(lambda rate: rate > 0)
RIGHT, SLIPPED = Decimal(100_000), Decimal(100)


def doubt(worth: str, *, paid: str | None = None, usual: str | None = None) -> str:
    before = {name: None if rate is None else Decimal(rate) for name, rate in (("paid", paid), ("usual", usual))}
    return price_doubt(Decimal("0.5"), "BTC", Decimal(worth), "USD", **before) or ""


def asked(days_ago: float, rate: Decimal = RIGHT, *, paid: bool = False) -> EarlierPrice:
    return EarlierPrice(NOW - timedelta(days=days_ago), rate, rate if paid else None)


@pytest.mark.parametrize(
    ("worth", "doubted"),
    [
        ("50000", False),
        ("47500", False),  # less a margin
        ("25000", False),
        ("24999", True),
        ("75000", False),
        ("75001", True),
        ("5000", True),  # a tenth
        ("500000", True),  # ten times
    ],
)
@pytest.mark.parametrize("by", ["paid", "usual"])
def test_a_price_that_differs_by_more_than_half_is_doubted(worth: str, doubted: bool, by: str) -> None:
    assert bool(doubt(worth, **{by: "100000"})) is doubted


def test_it_says_what_the_prices_are() -> None:
    usual = "it counts one BTC as 10000 USD, and buyers were asked for 100000 on other days"
    assert doubt("5000", usual="100000") == usual
    paid = "it counts one BTC as 10000 USD, and its buyer paid at 100000"
    assert doubt("5000", paid="100000", usual="10000") == paid
    nothing = "too few were asked to pay with BTC on other days to tell whether 0.5 BTC are worth 5000 USD"
    assert doubt("5000") == nothing


@given(RATES, RATES)
def test_it_matters_how_far_off_it_is_and_not_which_coin_it_is(before: Decimal, worth: Decimal) -> None:
    is_doubted = price_doubt(Decimal(1), "BTC", worth, "USD", paid=before, usual=None) is not None
    assert is_doubted is (worth < before / 2 or worth > before * 3 / 2)


@pytest.mark.parametrize(
    ("earlier", "usual"),
    [
        ([], None),
        ([asked(0.1, paid=True)] * 50, None),  # of today
        ([asked(1.1)] * 50, None),  # of one day
        ([asked(1.1), asked(2.1)], None),
        ([asked(1.1), asked(2.1), asked(3.1)], RIGHT),
        ([asked(1.1, paid=True)], None),
        ([asked(1.1, paid=True), asked(5.1, paid=True)], RIGHT),
        ([asked(1.1, paid=True), asked(5.1)], None),
        ([asked(1.1, Decimal(0)), asked(2.1), asked(3.1)], None),
        ([asked(8.1), asked(9.1), asked(10.1)], None),  # of last week
        # Of a day on which somebody paid, what others were asked for says nothing.
        ([asked(1.1, paid=True), asked(5.1, paid=True), *[asked(1.1, SLIPPED)] * 50], RIGHT),
    ],
)
def test_only_what_was_asked_or_paid_on_several_other_days_tells(
    earlier: Sequence[EarlierPrice], usual: Decimal | None
) -> None:
    assert usual_price(earlier, NOW) == usual


@given(
    st.sets(st.integers(1, DAYS_COMPARED), min_size=DAYS_ASKED),
    st.lists(st.tuples(st.floats(0, 0.999), st.booleans()), max_size=60),
)
def test_whoever_opens_invoices_while_a_rate_slips_for_a_day_teaches_nothing(
    honest: set[int], attack: list[tuple[float, bool]]
) -> None:
    before = [asked(day + 0.5) for day in honest]
    slipped = [asked(days_ago, SLIPPED, paid=is_paid) for days_ago, is_paid in attack]
    assert usual_price([*before, *slipped], NOW) == RIGHT
    assert usual_price(slipped, NOW) is None


@given(
    st.sets(st.integers(1, DAYS_COMPARED), min_size=3),
    st.integers(1, DAYS_COMPARED),
    st.lists(st.floats(0, 0.999), min_size=1, max_size=60),
)
def test_nor_afterwards_as_long_as_most_days_were_right(honest: set[int], day: int, attack: list[float]) -> None:
    before = [asked(one + 0.5) for one in honest - {day}]
    slipped = [asked(day + part, SLIPPED) for part in attack]
    usual = usual_price([*before, *slipped], NOW)
    # Between two that differ it is in the middle, which fits neither.
    assert usual is None or usual == RIGHT or not SLIPPED / 2 <= usual <= SLIPPED * 2


def test_what_the_buyer_was_asked_for_and_did_not_pay_proves_nothing() -> None:
    bought = payment("49.90", rates={"BTC": (SLIPPED, RIGHT)})
    assert paid_at(bought, "BTC") is None
    [transfer] = bought.counted
    assert paid_at(bought, transfer.asset) == bought.paid / transfer.amount
    assert paid_at(Payment(**{**dict(bought), "facts": Facts()}), transfer.asset) is None


def paid_with(*came: tuple[str, str, str], **facts: object) -> Payment:
    """A payment for which so many coins came, each transfer of so much worth."""
    told = tuple(
        Booked(
            transfer=Transfer(transfer_id=f"0x{number}", asset=coin, amount=Decimal(amount), value=Decimal(value)),
            is_proven=True,
        )
        for number, (coin, amount, value) in enumerate(came)
    )
    return payment("100").with_facts(Facts.model_validate({"booked": told, **facts}))


BTC = {"BTC": Decimal(50_000)}


@pytest.mark.parametrize(
    ("amount", "doubted"),
    [
        ("0.002", False),
        ("0.00000204", True),
        ("0.0014", False),
        ("0.0013", True),
        ("0.0039", False),
        ("0.0041", True),
    ],
)
def test_what_came_at_a_price_far_from_that_of_other_days_is_doubted(amount: str, doubted: bool) -> None:
    came = paid_with(("BTC", amount, "100"))
    assert (way_in_doubt(came, BTC) is not None) is doubted
    assert way_in_doubt(came, {"BTC": None}) is None
    assert way_in_doubt(came, {}) is None


def test_it_says_what_came_and_what_that_is_worth() -> None:
    came = paid_with(("BTC", "0.000001", "50"), ("BTC", "0.000001", "40"), ("ETH-USDT", "10", "10"))
    assert way_in_doubt(came, {**BTC, "ETH-USDT": Decimal(1)}) == (
        "0.000002 BTC and 10 ETH-USDT came, which counts for 100.00 USD, and is worth about 10.10 USD at the usual"
        " price"
    )


def test_a_payment_that_was_priced_so_is_completed_and_on_the_list_until_its_money_goes_back() -> None:
    came = paid_with(("BTC", "0.00000204", "100"), usual_rates=BTC)
    assert came.status == "completed"
    assert ProblemKind.PRICE_DOUBTED in [one.kind for one in problems_of(came)]
    back = {"b1": Refunded(of=RefundOf.GOODS, amount=Decimal(100), release=Release.DONE)}
    gone = paid_with(("BTC", "0.00000204", "100"), usual_rates=BTC, refunds=back)
    assert ProblemKind.PRICE_DOUBTED not in [one.kind for one in problems_of(gone)]


@given(st.permutations([Decimal(90_000), Decimal(50_000), Decimal(60_000)]))
def test_of_several_days_prices_the_least_counts_in_whatever_order_they_are_told(rates: list[Decimal]) -> None:
    known = payment("100")
    for rate in rates:
        known = decide(known, InvoicePriced(coin="BTC", rate=rate, usual_rate=rate), NOW).payment
    assert known.facts.usual_rates == BTC
