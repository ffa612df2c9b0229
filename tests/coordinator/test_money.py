"""Amounts survive the way in and out without losing a digit."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from coordinator.money import (
    Amount,
    AmountUnreadableError,
    PositiveAmount,
    base_units,
    excess_over,
    format_amount,
    in_scale_of,
    parse_amount,
    rounded,
)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("49.90", "49.90"),
        ("0", "0"),
        ("0E-10", "0.0000000000"),
        ("1E2", "100"),
        ("1e+2", "100"),
        ("2.5E-3", "0.0025"),
        ("0.000000000000000001", "0.000000000000000001"),
        ("115792089237316195423570985008687907853269984665640564039457584007913129639935",) * 2,
    ],
)
def test_an_amount_is_read_and_written_without_an_exponent(text: str, amount: str) -> None:
    assert format_amount(parse_amount(text)) == amount


@pytest.mark.parametrize(
    "value",
    [
        *("", " 1", "1 ", "-1", "+1", "1.", ".5", "1,5", "NaN", "Infinity", "0x10", "1_000", "١"),
        *("1e999999", "1E-31", "9" * 79),
        *(1.5, True, None, [], {}, b"1", Decimal("NaN"), Decimal(-1), -1),
    ],
)
def test_what_is_not_an_exact_amount_is_refused(value: object) -> None:
    with pytest.raises(AmountUnreadableError):
        parse_amount(value)


@pytest.mark.parametrize("amount", ["1e3", "1E3", "0e-10", "4.99e1"])
def test_what_somebody_asks_for_is_written_out(amount: str) -> None:
    with pytest.raises(ValidationError, match=r"written out|more than zero"):
        TypeAdapter(PositiveAmount).validate_python(amount)
    assert TypeAdapter(Amount).validate_python(amount) >= 0


def test_zero_is_no_price() -> None:
    with pytest.raises(ValidationError, match="more than zero"):
        TypeAdapter(PositiveAmount).validate_python("0.00")


@given(st.decimals(min_value=0, max_value=10**40, allow_nan=False, allow_infinity=False, places=18))
def test_every_amount_comes_back_as_it_went(amount: Decimal) -> None:
    adapter: TypeAdapter[Decimal] = TypeAdapter(Amount)
    text = json.loads(adapter.dump_json(amount))
    assert isinstance(text, str)
    assert adapter.validate_python(text) == amount


@pytest.mark.parametrize(
    ("amount", "short"),
    [
        ("7.80", "7.8"),
        ("100", "100"),
        ("0", "0"),
        ("0.00000000005", "0"),
        ("0.00000000015", "0.0000000002"),
        (f"{10**40}.55", f"{10**40}.55"),
    ],
)
def test_an_amount_is_rounded_to_so_many_decimals(amount: str, short: str) -> None:
    assert format_amount(rounded(Decimal(amount), 10)) == short


def test_differences_and_base_units_are_exact_to_the_last_digit() -> None:
    huge = Decimal("9" * 60 + "." + "9" * 18)
    assert excess_over(huge, Decimal("0.000000000000000001")) == Decimal("9" * 60 + "." + "9" * 17 + "8")
    assert excess_over(Decimal(1), huge) == 0
    assert base_units(huge, 18) == int("9" * 78)
    assert base_units(Decimal("7.8"), 6) == 7_800_000
    assert base_units(Decimal("0.0000001"), 6) == 1  # never less than what is owed


@pytest.mark.parametrize(
    ("agreed", "amount", "told"),
    [
        ("49.90", "0", "0.00"),
        ("49.90", "49.9000", "49.90"),
        ("49.90", "1E+2", "100.00"),
        ("49.90", "0.333", "0.333"),
        ("49.90", "-0.1", "-0.10"),
        ("100", "130.500", "130.5"),
        ("1E+2", "130", "130"),
        ("0.3", "0E-30", "0.0"),
    ],
)
def test_an_amount_is_told_in_the_scale_that_was_agreed(agreed: str, amount: str, told: str) -> None:
    assert format_amount(in_scale_of(Decimal(agreed), Decimal(amount))) == told
