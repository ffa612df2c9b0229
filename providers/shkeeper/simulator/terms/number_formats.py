"""Number formats of SHKeeper: what its database makes of an amount, and how its answers and notices write one."""

from decimal import ROUND_HALF_EVEN, Decimal

__all__ = ["TEN_DECIMALS", "as_float", "plain", "stored"]

TEN_DECIMALS = Decimal("1e-10")


def stored(value: Decimal) -> Decimal:
    """A number as its database gives it back: with ten decimals, and, as SQLite keeps it as a float, with the digits
    of one."""
    return Decimal(f"{float(value):.10f}")


def plain(value: Decimal) -> str:
    """An amount as most answers and the notices of invoices write it: up to ten decimals, no exponent, no trailing
    zeros."""
    text = f"{value.quantize(TEN_DECIMALS, ROUND_HALF_EVEN):f}"
    return text.rstrip("0").rstrip(".")


def as_float(value: Decimal) -> str:
    """An amount as most coin daemons write it, which count in floats: `5` is `5.0`."""
    return str(float(value))
