"""Currencies: how many decimals each has, how it is spelled, and how much can be agreed at all."""

from decimal import Decimal

import pytest

from coordinator.currencies import MINOR_UNITS, amount_fault, currency_fault


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("0.01", "USD"),
        ("49.900", "USD"),  # three are written, and two are there
        ("100", "JPY"),
        ("100.00", "JPY"),
        ("1.234", "KWD"),
        ("1.2345", "CLF"),
        ("0.000000000000000001", "ETH"),  # a coin is none of ISO 4217's
        ("0.00000001", "BTC"),
        ("999999999999999.99", "IDR"),
    ],
)
def test_an_amount_with_the_decimals_of_its_currency_can_be_agreed(amount: str, currency: str) -> None:
    assert amount_fault(Decimal(amount), currency) is None


@pytest.mark.parametrize(
    ("amount", "currency", "why"),
    [
        ("0.001", "USD", "USD has 2 decimals; expected no more"),
        ("50.0000000001", "USD", "USD has 2 decimals; expected no more"),
        ("100.50", "JPY", "JPY has no decimals; expected no more"),
        ("1.2345", "KWD", "KWD has 3 decimals; expected no more"),
        ("1000000000000000", "USD", "expected less than 1 and 15 zeros"),
        ("1000000000000000", "SHIB", "expected less than 1 and 15 zeros"),
    ],
)
def test_what_is_less_than_a_currencys_unit_or_beyond_all_that_is_sold_is_told(
    amount: str, currency: str, why: str
) -> None:
    assert amount_fault(Decimal(amount), currency) == why


def test_of_a_chains_token_that_is_called_like_a_currency_its_chain_knows_the_decimals() -> None:
    assert amount_fault(Decimal("0.000000000000000001"), "MNT") is not None
    assert amount_fault(Decimal("0.000000000000000001"), None) is None
    assert amount_fault(Decimal(10**15), None) == "expected less than 1 and 15 zeros"


def test_a_currency_is_spelled_in_one_way() -> None:
    assert [currency_fault(one) for one in ("USD", "ETH-USDT", "POINTS_2")] == [None, None, None]
    assert [currency_fault(one) is None for one in ("usd", "Usd", "uSD")] == [False] * 3
    assert all(currency_fault(one) is None and len(one) == 3 for one in MINOR_UNITS)
