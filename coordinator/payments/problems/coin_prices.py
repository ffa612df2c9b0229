"""Coin prices: whether what a coin counts for in a payout can be right, judging by what it was worth before. Pure.

A provider's current rate says how much of a payout's coin leaves for a sum of the payment's money. A wrong rate
passes every limit, so it is compared with others; without others the payout awaits approval.

While a rate is wrong, a buyer can request any number of prices at it, and pay little at some of them. So what the
buyer of this payment was asked for proves nothing, but what they paid does: by that no more coins leave than came.
And a price of others counts only when it is a day old, and each day counts once.

If the price was wrong when the buyer paid, little money looks like all that was agreed. No buyer is turned away for
it: the price may be right, and nothing is lost before money leaves.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median
from typing import NamedTuple

from coordinator.money import ZERO, excess_over, format_amount, product, quotient, total
from coordinator.payments.payments import Payment
from coordinator.payments.problems.figures import money

__all__ = [
    "DAY",
    "DAYS_COMPARED",
    "EarlierPrice",
    "paid_at",
    "price_doubt",
    "shown",
    "strays_from",
    "usual_price",
    "way_in_doubt",
]

DAY = timedelta(days=1)
"""A rate that slipped is noticed and corrected within this time, or nobody looks."""
DAYS_COMPARED = 7
"""A price that is older than so many days, and one more, says little of today's."""
# So many of them have to agree: those on which somebody paid, or all on which somebody was asked for a price.
DAYS_PAID, DAYS_ASKED = 2, 3
# A price may halve within a day. One that differs by more than that is more often wrong than true.
BEARABLE_SHARE = Decimal("0.5")
SHOWN_DIGITS = 8


class EarlierPrice(NamedTuple):
    """What one coin was worth to somebody before."""

    at: datetime
    """When they were asked for it."""
    asked: Decimal | None
    """None if the provider did not say."""
    paid: Decimal | None
    """What it came to where they paid with it; None if they did not."""


def paid_at(payment: Payment, coin: str) -> Decimal | None:
    """What one coin was worth as it came for a payment; None if something else came, or nothing."""
    came = payment.counted
    amount = total(transfer.amount for transfer in came)
    if not payment.paid or not amount or any(transfer.asset != coin for transfer in came):
        return None
    return quotient(payment.paid, amount)


def usual_price(earlier: Iterable[EarlierPrice], now: datetime) -> Decimal | None:
    """What a coin was worth on most of the last days, without the very last; None if too few of them tell."""
    days: defaultdict[int, list[EarlierPrice]] = defaultdict(list)
    for one in earlier:
        days[(now - one.at) // DAY].append(one)
    looked_at = [days[number] for number in range(1, DAYS_COMPARED + 1) if number in days]
    paid = [median(prices) for day in looked_at if (prices := _positive(one.paid for one in day))]
    if len(paid) >= DAYS_PAID:
        return median(paid)
    asked = [median(prices) for day in looked_at if (prices := _positive(one.paid or one.asked for one in day))]
    return median(asked) if len(asked) >= DAYS_ASKED else None


def price_doubt(
    amount: Decimal, coin: str, worth: Decimal, currency: str, *, paid: Decimal | None, usual: Decimal | None
) -> str | None:
    """Why somebody has to look at what an amount of a coin counts for; None if it agrees with what one was worth as
    the payment was paid with it or, where it was not, on other days."""
    price = usual if paid is None else paid
    if price is None:
        return (
            f"too few were asked to pay with {coin} on other days to tell whether {format_amount(amount)} {coin} are"
            f" worth {format_amount(worth)} {currency}"
        )
    if not strays_from(product(amount, price), worth):
        return None
    now = shown(quotient(worth, amount))
    whose = "buyers were asked for" if paid is None else "its buyer paid at"
    when = " on other days" if paid is None else ""
    return f"it counts one {coin} as {now} {currency}, and {whose} {shown(price)}{when}"


def way_in_doubt(payment: Payment, usual: Mapping[str, Decimal | None]) -> str | None:
    """Why what came for a payment may be worth much more or less than it counts for: by coin, `usual` is what one was
    worth on other days, or stands for. None if that agrees, or too little is known of it."""
    came = payment.counted
    rates = [usual.get(transfer.asset) for transfer in came]
    if not payment.paid or not came or None in rates:
        return None
    before = total(product(one.amount, rate) for one, rate in zip(came, rates, strict=True) if rate is not None)
    if not strays_from(before, payment.paid):
        return None
    amounts: defaultdict[str, Decimal] = defaultdict(Decimal)
    for one in came:
        amounts[one.asset] = total([amounts[one.asset], one.amount])
    coins = " and ".join(f"{shown(amount)} {coin}" for coin, amount in amounts.items())
    return (
        f"{coins} came, which counts for {money(payment, payment.paid)}, and is worth about"
        f" {money(payment, before)} at the usual price"
    )


def _positive(prices: Iterable[Decimal | None]) -> list[Decimal]:
    return [price for price in prices if price is not None and price > ZERO]


def strays_from(before: Decimal, worth: Decimal) -> bool:
    """Whether what something counts for differs by more than half from what it came to at a price of before."""
    difference = excess_over(max(before, worth), min(before, worth))
    return difference > product(before, BEARABLE_SHARE)


def shown(rate: Decimal) -> str:
    """A rate, or what follows from one, with no more digits than anybody reads."""
    return format_amount(Decimal(f"{rate:.{SHOWN_DIGITS}g}"))
