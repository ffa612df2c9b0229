"""Unusable prices, as an item: a provider tells what a coin is worth in a way that contradicts itself, or that is
about something else, so that nothing is sent for it. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from coordinator.attention.items import Attention, AttentionKind

__all__ = ["UnusablePrice", "prices_unusable"]


@dataclass(frozen=True, slots=True)
class UnusablePrice:
    """That a provider's price of a coin in a currency cannot be used."""

    provider: str
    coin: str
    currency: str
    fault: str
    """What is wrong with it, in one word."""
    reason: str
    """And in many, for a person to read."""
    since: datetime


def prices_unusable(prices: Iterable[UnusablePrice]) -> Iterator[Attention]:
    """One item for each coin and what is wrong with its prices, in however many currencies."""

    def subject(one: UnusablePrice) -> str:
        return f"{one.provider}:{one.coin}:{one.fault}"

    for name, alike in groupby(sorted(prices, key=subject), key=subject):
        those = sorted(alike, key=lambda one: (one.since, one.currency))
        first, currencies = those[0], ", ".join(sorted(one.currency for one in those))
        yield Attention(
            kind=AttentionKind.PRICE_UNUSABLE,
            subject=name,
            title=f"{first.provider}'s price of {first.coin} cannot be used",
            detail=f"In {currencies}: {first.reason}",
            lasting_detail=f"In {currencies}",
            advice=(
                f"Payouts and refunds in {first.coin} are refused until the price makes sense. Look at the rate of"
                f" {first.coin}, its source and its fee at {first.provider}. The price is asked for again every"
                " minute, and this goes by itself once it can be used."
            ),
            since=first.since,
            news_at=those[-1].since,
            remedies=("dismiss",),
        )
