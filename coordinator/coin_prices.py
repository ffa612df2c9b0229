"""Coin prices: whether what a coin counts for in a payout can be right, by what it was worth in prices that buyers
were asked for before. Pure.

A provider's rate of the moment says how much of a payout's coin leaves for so much of the payment's money. One that
is wrong passes every limit, so that it is compared with others, or with none awaits somebody.
"""

from collections.abc import Sequence
from decimal import Decimal
from statistics import median

from coordinator.money import ZERO, excess_over, format_amount, product, quotient

__all__ = ["LATELY_LIMIT", "price_doubt", "strays_from"]

LATELY_LIMIT = 20
"""Of so many prices the one in the middle says what a coin is worth: a few that are wrong do not move it."""
# A price may halve within a day. One that differs by more than that is more often wrong than true.
BEARABLE_SHARE = Decimal("0.5")
SHOWN_DIGITS = 8


def strays_from(asked: Decimal, worth: Decimal) -> bool:
    """Whether what a payout counts for differs by more than half from what it came to at a price asked before."""
    difference = excess_over(max(asked, worth), min(asked, worth))
    return difference > product(asked, BEARABLE_SHARE)


def price_doubt(amount: Decimal, coin: str, worth: Decimal, currency: str, lately: Sequence[Decimal]) -> str | None:
    """Why somebody has to look at what an amount of a coin counts for; None if it agrees with what one was worth
    lately."""
    known = [rate for rate in lately if rate > ZERO]
    if not known:
        return (
            f"nobody was asked to pay with {coin} lately, so that nothing tells whether {format_amount(amount)}"
            f" {coin} are worth {format_amount(worth)} {currency}"
        )
    usual = median(known)
    if not strays_from(product(amount, usual), worth):
        return None
    now = _shown(quotient(worth, amount))
    return f"it counts one {coin} as {now} {currency}, and buyers were asked for {_shown(usual)} lately"


def _shown(rate: Decimal) -> str:
    return format_amount(Decimal(f"{rate:.{SHOWN_DIGITS}g}"))
