"""Valuation: the value of transfers for which the provider reports only how many coins moved, and its own sum of them
all.

The prices of the bridge's own invoices divide the sum, and limit what so many coins can be worth; below that the sum
is believed: a provider may have counted a transfer at another rate. Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import NamedTuple

from coordinator.money import DERIVED_DECIMALS, ZERO, excess_over, product, quotient, rounded_down, total
from coordinator.payments.observed.observations import Transfer

__all__ = ["CENT", "Rates", "Split", "as_priced", "came_at_once", "has_lost_some", "least_share", "split", "worth_of"]

Rates = Mapping[str, tuple[Decimal, Decimal]]
"""By coin, the lowest and the highest that one was worth in the prices that the bridge was given."""

CENT = Decimal("0.01")
# What a rate is rounded by when it is told.
_ROUNDED_BY = Decimal("0.0001")
# SHKeeper books what comes at the same time in so long, and adds each to the sum from before.
AT_ONCE = timedelta(minutes=10)
# Of more transfers it is not tried which of them a sum lacks.
_SUMS_LIMIT = 4096


class Split(NamedTuple):
    """How a sum may be divided among coins."""

    at_most: Mapping[str, Decimal]
    """By coin, the most that may be its part."""
    is_sure: bool
    """Whether it can be no other, and stays so whatever else comes."""


def worth_of(transfer: Transfer, rates: Rates) -> tuple[Decimal, Decimal] | None:
    """What a transfer is worth, at least and at most; None if there is nothing to tell it by."""
    if transfer.value is not None:
        return transfer.value, transfer.value
    if not transfer.amount:
        return ZERO, ZERO
    known = rates.get(transfer.asset)
    if known is None:
        return None
    low, high = known
    least = product(transfer.amount, low)
    return least, least if low == high else product(transfer.amount, high)


def as_priced(transfer: Transfer, rates: Rates) -> Transfer:
    """A transfer that is worth no more than so many coins are at the highest price."""
    if transfer.value is None:
        return transfer
    bounds = worth_of(transfer.model_copy(update={"value": None}), rates)
    if bounds is None or _fits_under(transfer.value, bounds[1]):
        return transfer
    return transfer.model_copy(update={"value": rounded_down(bounds[1], DERIVED_DECIMALS), "fee": None})


def least_share(whole: Decimal, some: Sequence[Transfer], listed: Sequence[Transfer], rates: Rates) -> Decimal:
    """What some of the transfers that a sum is of come to, all without a value: by amounts within a coin, and between
    coins the least that the prices allow; never more than the sum, nor than so many coins can be worth."""
    amounts: dict[str, Decimal] = {}
    for transfer in listed:
        amounts[transfer.asset] = total([amounts.get(transfer.asset, ZERO), transfer.amount])
    lows, highs = _bounds(amounts, rates)
    if len(some) == len(listed):
        most = _total_or_none(highs.values())
        return whole if most is None or _fits_under(whole, most) else most
    in_all = total(lows.values())
    parts = []
    for coin in {transfer.asset for transfer in some if transfer.amount}:
        others = _total_or_none(high for other, high in highs.items() if other != coin)
        low = lows[coin] if in_all <= whole else quotient(product(lows[coin], whole), in_all)
        part = low if others is None else max(low, excess_over(whole, others))
        high = highs[coin]
        if high is not None and not _fits_under(part, high):
            part = high
        own = total(transfer.amount for transfer in some if transfer.asset == coin)
        parts.append(quotient(product(part, own), amounts[coin]))
    return min(total(parts), whole)


def _bounds(
    amounts: Mapping[str, Decimal], rates: Rates
) -> tuple[Mapping[str, Decimal], Mapping[str, Decimal | None]]:
    """By coin, what so many of it are worth at least, and at most if that is known."""
    lows: dict[str, Decimal] = {}
    highs: dict[str, Decimal | None] = {}
    for coin, amount in amounts.items():
        low, high = rates.get(coin, (ZERO, None if amount else ZERO))
        lows[coin], highs[coin] = product(amount, low), None if high is None else product(amount, high)
    return lows, highs


def _total_or_none(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """The sum of amounts, if all of them are known."""
    known = list(amounts)
    return None if None in known else total(amount for amount in known if amount is not None)


def _fits_under(amount: Decimal, most: Decimal) -> bool:
    return excess_over(amount, most) <= _slack(most)


def split(whole: Decimal, transfers: Mapping[str, Sequence[Transfer]], rates: Rates) -> Split:
    """Divides a sum among the coins of transfers without a value. Where the rates do not explain it, any of them may
    have all of it."""
    lows, highs = {}, {}
    for coin, of_coin in transfers.items():
        worths = [worth_of(transfer, rates) for transfer in of_coin]
        known = [worth for worth in worths if worth is not None]
        lows[coin] = total(low for low, _ in known)
        highs[coin] = total(high for _, high in known) if len(known) == len(worths) else None
    given = [high for high in highs.values() if high is not None]
    slack = _slack(whole)
    all_given = len(given) == len(highs)
    in_all = total(lows.values())
    fits = excess_over(in_all, whole) <= slack and not (all_given and excess_over(whole, total(given)) > slack)
    is_sure = fits and all(highs[coin] == low for coin, low in lows.items())
    if len(transfers) == 1:
        return Split(dict.fromkeys(transfers, whole), is_sure)
    if not fits:
        return Split(dict.fromkeys(transfers, whole), False)
    at_most = {}
    for coin, low in lows.items():
        left, high = excess_over(total([whole, low]), in_all), highs[coin]
        at_most[coin] = left if high is None else min(left, total([high, slack]))
    return Split(at_most, is_sure)


def has_lost_some(balance: Decimal, transfers: Sequence[Transfer], rates: Rates) -> bool:
    """Whether a provider's sum is just that of some of the transfers that it lists, as it is where several came at
    once and each was added to the sum from before. Of one alone nothing is lost."""
    worths = [worth_of(transfer, rates) for transfer in transfers]
    if len(worths) < 2 or all(transfer.value is not None for transfer in transfers):
        return False
    lows = [worth[0] for worth in worths if worth is not None]
    if len(lows) < len(worths) or excess_over(total(lows), balance) <= _slack(total(lows)):
        return False
    return bool(_is_sum_of_some(balance, lows))


def came_at_once(balance: Decimal, transfers: Sequence[Transfer]) -> bool:
    """Whether a sum may be that of some of the transfers whose values are told, because the others came at the same
    time; of too many that is not tried."""
    moments = [transfer.occurred_at for transfer in transfers if transfer.occurred_at is not None]
    if len(transfers) < 2 or (moments and max(moments) - min(moments) > AT_ONCE):
        return False
    return _is_sum_of_some(balance, [transfer.value or ZERO for transfer in transfers]) is not False


def _is_sum_of_some(balance: Decimal, worths: Sequence[Decimal]) -> bool | None:
    """None of too many."""
    slack, sums = _slack(total(worths)), {ZERO}
    for worth in worths:
        sums |= {total([some, worth]) for some in sums}
        if len(sums) > _SUMS_LIMIT:
            return None
    return any(max(excess_over(some, balance), excess_over(balance, some)) <= slack for some in sums)


def _slack(amount: Decimal) -> Decimal:
    return max(CENT, product(amount, _ROUNDED_BY))
