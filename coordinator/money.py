"""Amounts of money: `Decimal` in the code, a plain decimal string in JSON, never a float and never an exponent."""

import functools
import math
import re
from collections.abc import Iterable
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from operator import methodcaller
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from coordinator.errors import BridgeError

__all__ = [
    "CENT_DECIMALS",
    "DERIVED_DECIMALS",
    "ZERO",
    "Amount",
    "AmountUnreadableError",
    "Figure",
    "PositiveAmount",
    "SignedAmount",
    "base_units",
    "decimals_of",
    "difference",
    "excess_over",
    "format_amount",
    "in_scale_of",
    "parse_amount",
    "portion",
    "product",
    "proportional",
    "quotient",
    "rounded",
    "rounded_down",
    "rounded_up",
    "to_cents",
    "total",
    "trimmed",
]

ZERO = Decimal(0)

# 78 digits hold the largest uint256, the widest amount any EVM token can name; 30 decimals leave room above
# the 18 (Ether) and 24 (NEAR) in use. The bounds also keep "1e999999" from becoming a megabyte of zeros.
MAX_INTEGER_DIGITS = 78
MAX_DECIMALS = 30
CENT_DECIMALS = 2
DERIVED_DECIMALS = 18
"""Of what coins are worth at a price, and the like: as many as any coin has."""
_CENT = Decimal("0.01")
# Python's own arithmetic rounds to 28 digits.
_EXACT = Context(prec=2 * (MAX_INTEGER_DIGITS + MAX_DECIMALS))
_PLAIN_AMOUNT = re.compile(rf"[0-9]{{1,{MAX_INTEGER_DIGITS}}}(?:\.[0-9]{{1,{MAX_DECIMALS}}})?")
_AMOUNT = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")


class AmountUnreadableError(BridgeError, ValueError):
    """The text is not an amount the bridge can count exactly."""


def parse_amount(value: object) -> Decimal:
    """Reads an amount from a decimal string (or a whole number) without losing a digit.

    Takes what SHKeeper's older gateways write too: trailing zeros and exponents such as `0E-10`.
    Raises AmountUnreadableError for floats, signs, blanks, and anything beyond 78 digits or 30 decimals.
    """
    if isinstance(value, str) and _PLAIN_AMOUNT.fullmatch(value) is not None:
        return Decimal(value)  # as nearly all are
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, str) and _AMOUNT.fullmatch(value) is not None:
        amount = Decimal(value)
    elif isinstance(value, Decimal):
        amount = value
    elif isinstance(value, str):
        raise AmountUnreadableError('an amount is a non-negative decimal string such as "49.90"')
    else:
        raise AmountUnreadableError(
            'an amount is a decimal string such as "49.90" (a float would lose digits)',
        )
    sign, digits, exponent = amount.as_tuple()
    if sign:
        raise AmountUnreadableError('an amount is a non-negative decimal string such as "49.90"')
    # The exponent of NaN and Infinity is a letter.
    if not isinstance(exponent, int) or -exponent > MAX_DECIMALS or len(digits) + exponent > MAX_INTEGER_DIGITS:
        raise AmountUnreadableError(
            f"an amount has at most {MAX_INTEGER_DIGITS} digits and {MAX_DECIMALS} decimals",
        )
    return amount


def parse_positive_amount(value: object) -> Decimal:
    """Reads an amount that people and services ask for: more than zero, and without an exponent, which a hand does
    not mean and an eye does not see."""
    amount = parse_amount(value)
    if isinstance(value, str) and "e" in value.lower():
        raise AmountUnreadableError('an amount is written out, such as "1000" or "49.90"')
    if amount == ZERO:
        raise AmountUnreadableError("the amount must be more than zero")
    return amount


def excess_over(amount: Decimal, limit: Decimal) -> Decimal:
    """How much an amount is over a limit, to the last digit; nothing if it is not."""
    return max(_EXACT.subtract(amount, limit), ZERO)


def difference(one: Decimal, other: Decimal) -> Decimal:
    """One less the other, to the last digit; below zero where the other is more."""
    return _EXACT.subtract(one, other)


def total(amounts: Iterable[Decimal]) -> Decimal:
    """The sum of amounts, to the last digit."""
    return functools.reduce(_EXACT.add, amounts, ZERO)


def decimals_of(amount: Decimal) -> int:
    """How many decimals an amount is written with."""
    exponent = amount.as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def quotient(one: Decimal, other: Decimal) -> Decimal:
    """One divided by the other; where that has no end, to more digits than any amount has."""
    return _EXACT.divide(one, other)


def base_units(amount: Decimal, decimals: int) -> int:
    """An amount in the smallest units of a coin with that many decimals; a part of a unit counts as a whole one."""
    whole = _EXACT.scaleb(amount, decimals)
    return int(whole.to_integral_value(ROUND_CEILING, _EXACT))


def rounded(amount: Decimal, decimals: int) -> Decimal:
    """An amount with so many decimals at most, without zeros at their end; half a last digit goes to the even one."""
    return Decimal(trimmed(amount.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_EVEN, _EXACT)))


def product(one: Decimal, other: Decimal) -> Decimal:
    """One amount times another, to the last digit."""
    return _EXACT.multiply(one, other)


def rounded_up(amount: Decimal, decimals: int) -> Decimal:
    """The least amount with so many decimals at most that is not less, without zeros at its end."""
    return Decimal(trimmed(amount.quantize(Decimal(1).scaleb(-decimals), ROUND_CEILING, _EXACT)))


def proportional(amount: Decimal, part: Decimal, whole: Decimal, decimals: int) -> Decimal:
    """What an amount comes to where `part` of `whole` is left, rounded up: whoever pays it must not be short."""
    exact = Fraction(amount) * Fraction(part) / Fraction(whole) * 10**decimals
    return Decimal(trimmed(_EXACT.scaleb(Decimal(math.ceil(exact)), -decimals)))


def portion(amount: Decimal, part: Decimal, whole: Decimal, decimals: int) -> Decimal:
    """The part of an amount that `part` is of `whole`, rounded down: what is divided must not become more."""
    exact = Fraction(amount) * Fraction(part) / Fraction(whole) * 10**decimals
    return Decimal(trimmed(_EXACT.scaleb(Decimal(math.floor(exact)), -decimals)))


def rounded_down(amount: Decimal, decimals: int) -> Decimal:
    """The most with so many decimals at most that is not more, without zeros at its end."""
    return Decimal(trimmed(amount.quantize(Decimal(1).scaleb(-decimals), ROUND_FLOOR, _EXACT)))


def to_cents(amount: Decimal, decimals: int) -> Decimal:
    """An amount in cents, or in so many decimals where those are more; half a last digit goes to the even one."""
    return amount.quantize(_CENT if decimals <= CENT_DECIMALS else Decimal(1).scaleb(-decimals), None, _EXACT)


def format_amount(amount: Decimal) -> str:
    """Writes an amount as JSON carries it: `Decimal("1E+2")` is `"100"`, `Decimal("7.80")` stays `"7.80"`."""
    return format(amount, "f")


def in_scale_of(agreed: Decimal, amount: Decimal) -> Decimal:
    """An amount with the decimals of what was agreed on; with more where it has more, and no zeros at their end."""
    scaled = amount.quantize(agreed, None, _EXACT)
    if scaled == amount:
        return scaled  # the usual case
    known = amount.normalize(_EXACT)
    decimals = max(decimals_of(agreed), decimals_of(known))
    return known.quantize(Decimal(1).scaleb(-decimals), None, _EXACT)


def trimmed(amount: Decimal) -> str:
    """As `format_amount`, without trailing zeros: some wallets take no more than eight decimals."""
    text = format_amount(amount)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _described(pattern_description: str) -> dict[str, Any]:
    return {
        "type": "string",
        "pattern": r"^[0-9]+(\.[0-9]+)?$",
        "description": pattern_description,
        "examples": ["49.90"],
    }


# As `format_amount`, without a call of Python's own for each amount in a text.
_AS_TEXT = PlainSerializer(methodcaller("__format__", "f"), return_type=str, when_used="json")

Amount = Annotated[
    Decimal,
    BeforeValidator(parse_amount),
    _AS_TEXT,
    WithJsonSchema(_described("A decimal string, never a float and never with an exponent.")),
]
Figure = Annotated[
    Decimal,
    _AS_TEXT,
    WithJsonSchema(_described("A decimal string, never a float and never with an exponent.")),
]
"""An amount that the bridge has worked out and tells: nothing about it is refused any more."""
PositiveAmount = Annotated[
    Decimal,
    BeforeValidator(parse_positive_amount),
    _AS_TEXT,
    WithJsonSchema(_described("A decimal string of more than zero.")),
]
SignedAmount = Annotated[
    Decimal,
    _AS_TEXT,
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^-?[0-9]+(\.[0-9]+)?$",
            "description": "A decimal string, with a minus sign before it where it is less than zero.",
            "examples": ["-49.90"],
        }
    ),
]
