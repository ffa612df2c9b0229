"""Sums: what a provider says came in all, compared with what the transfers that it lists add up to. Pure, derived
from the facts.

A sum never raises the transfers. It lowers them, or supplies what they are worth within what the bridge's prices
allow; so does a value that is reported for one transfer. Only where neither is known is the sum all there is.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from coordinator.money import DERIVED_DECIMALS, ZERO, excess_over, product, rounded, rounded_down, total, trimmed
from coordinator.payments.counting.valuation import (
    CENT,
    as_priced,
    came_at_once,
    has_lost_some,
    least_share,
    worth_of,
)
from coordinator.payments.facts.booked import Booked
from coordinator.payments.facts.facts import Books, Facts, Unreadable
from coordinator.payments.observed.observations import Transfer

__all__ = [
    "FALLS",
    "DisputeKind",
    "SumContradiction",
    "came_to",
    "counted",
    "disputes",
    "in_dispute",
    "is_in_other_coin",
    "is_unanswered",
    "is_unread",
    "lacks_some",
    "proven",
]

# By how much of it a sum may differ from what the transfers were worth in the prices asked for: rates move.
RATES_MOVE_BY = Decimal("0.01")
# By how much sums of what is told to the cent may differ.
BEARABLE = Decimal("0.009")
# More than any coin or currency has.
SHARE_DECIMALS = 20


# Of a sum that is also of what could not be read, any part may be for that.
_UNREAD = Transfer(transfer_id="", asset="", amount=Decimal(1))


class DisputeKind(StrEnum):
    """How a provider contradicts itself about how much came."""

    BEYOND = "beyond"
    """Its sum is more than its transfers can be worth."""
    BELOW = "below"
    """Its sum is less than its transfers are worth: it has lost some, or counted them at another rate."""
    LACKS = "lacks"
    """Its sum is less than it told its transfers to be worth, and it cannot have lost some that came at once."""
    SANK = "sank"
    """Its sum is less than it was, and no transfer has gone."""
    OVERVALUED = "overvalued"
    """It calls a transfer worth more than so many coins are."""
    TAKEN_BACK = "taken-back"
    """It calls a transfer unconfirmed again that had counted."""
    IN_OTHER_COIN = "in-other-coin"
    """It tells of a transfer in a coin in which the buyer was never asked to pay."""


# SHKeeper loses some of what comes at once from its sum: a person sees it, and its transfers are there.
_HOLDING = (DisputeKind.BEYOND, DisputeKind.LACKS, DisputeKind.SANK, DisputeKind.OVERVALUED)
FALLS = frozenset((DisputeKind.LACKS, DisputeKind.SANK))
"""What holds the money however much the transfers are worth."""


class SumContradiction(NamedTuple):
    """One contradiction about how much came, in the payment's currency."""

    kind: DisputeKind
    said: Decimal
    """What the provider says."""
    otherwise: Decimal
    """What its transfers come to, or what it said before."""
    is_by_prices: bool = False
    """Whether it says nowhere itself what the transfers are worth."""
    tx_hash: str | None = None
    """The transaction that it is about, if it is about one."""


def counted(facts: Facts) -> tuple[Transfer, ...]:
    """The booked transfers that count, each with the smallest that was told of it, and worth no more than prices
    allow."""
    return tuple([_as_priced(one, facts) for one in facts.booked if _is_counting(one, facts)])


def _is_counting(one: Booked, facts: Facts) -> bool:
    return one.counts and not (facts.taken and one.transfer.key in facts.taken) and not is_in_other_coin(one, facts)


def is_in_other_coin(one: Booked, facts: Facts) -> bool:
    """Whether it came in a coin in which the buyer was never asked to pay, or two coins were told of it, and no
    person has taken the payment as paid."""
    if facts.accepted:
        return False
    if one.assets:
        return True
    if not facts.given or one.transfer.asset in facts.coins:
        return False
    # Of payments of before only their prices are written down.
    known = facts.coins or facts.rates or facts.fees_priced
    asked = (facts.coins, facts.rates, facts.fees_priced)
    return bool(known) and not any(one.transfer.asset in coins for coins in asked)


def came_to(facts: Facts, counting: Sequence[Transfer]) -> Decimal:
    """What the transfers that count come to."""
    if len(counting) == 1 and (value := counting[0].value) is not None:
        return value  # the usual case
    values = [one.value for one in counting]
    known = Decimal(trimmed(total(value for value in values if value is not None)))
    if None not in values:
        return known
    books = _reported(facts)
    listed = _listed(facts, books)
    rest = excess_over(books.balance, total(one.transfer.value for one in listed if one.transfer.value is not None))
    open_ones = [one.counted for one in listed if one.transfer.value is None]
    if not books.is_whole:
        open_ones.append(_UNREAD)
    settled = {one.key for one in counting}
    share = least_share(rest, [one for one in open_ones if one.key in settled], open_ones, facts.rates)
    return rounded(total([known, share]), SHARE_DECIMALS)


def lacks_some(facts: Facts) -> bool:
    """Whether the sum is just that of some of the transfers whose worth nothing else tells."""
    books = _reported(facts)
    return has_lost_some(books.balance, [one.transfer for one in _listed(facts, books)], facts.rates)


def in_dispute(facts: Facts) -> frozenset[DisputeKind]:
    """How the provider claims more than its transfers show at the prices that the bridge was given, or takes back
    what it said had come: a person, or what it says later, has to tell what came."""
    if _is_plain(facts):
        return frozenset()
    kinds = frozenset(dispute.kind for dispute in disputes(facts) if dispute.kind in _HOLDING)
    if _is_taken_back(facts):
        kinds |= {DisputeKind.TAKEN_BACK}
    if any(one.is_own and is_in_other_coin(one, facts) for one in facts.booked):
        kinds |= {DisputeKind.IN_OTHER_COIN}
    return kinds


def _is_plain(facts: Facts) -> bool:
    """Whether nothing can be in dispute, which is the case for most payments."""
    if facts.asked is not None or facts.rates or len(facts.booked) != 1 or facts.booked[0].is_taken_back:
        return False
    if is_in_other_coin(facts.booked[0], facts):
        return False
    one = facts.booked[0].transfer
    return bool(one.amount) and one.value == facts.books.balance


def _is_taken_back(facts: Facts) -> bool:
    """Whether the provider calls money unconfirmed again that had counted."""
    return any(one.is_taken_back and one.is_own for one in facts.booked)


def proven(facts: Facts) -> tuple[tuple[Transfer, ...], Decimal]:
    """The transfers that count, and what they come to, if those of which the provider claims too much are worth the
    least that its prices make of them: nothing in a coin of which it gave none."""
    all_of_them = any(dispute.kind is DisputeKind.BEYOND for dispute in disputes(facts))
    coins = {one.transfer.asset for one in facts.booked}
    lows = {coin: facts.rates.get(coin, (ZERO, ZERO))[0] for coin in coins}
    lowest = facts.model_copy(update={"rates": {coin: (low, low) for coin, low in lows.items()}})
    counting = tuple(
        _at_lowest(one.counted, lows) if all_of_them or _is_unproven(one, facts) else _as_priced(one, facts)
        for one in facts.booked
        if _is_counting(one, facts)
    )
    return counting, came_to(lowest, counting)


def _is_unproven(one: Booked, facts: Facts) -> bool:
    return one.transfer.asset not in facts.rates or _overvalued(one, facts) is not None


def _at_lowest(transfer: Transfer, lows: Mapping[str, Decimal]) -> Transfer:
    worth = rounded_down(product(transfer.amount, lows[transfer.asset]), DERIVED_DECIMALS)
    if transfer.value is None or transfer.value <= worth:
        return transfer
    return transfer.model_copy(update={"value": worth, "fee": None})


def is_unread(facts: Facts) -> bool:
    """Whether what the provider answered last cannot be read, or not all of it."""
    return _is_last(facts, facts.unreadable)


def is_unanswered(facts: Facts) -> bool:
    """Whether the provider does not answer about this payment by now, and does about others."""
    return _is_last(facts, facts.unanswered)


def _is_last(facts: Facts, unreadable: Unreadable | None) -> bool:
    if unreadable is None:
        return False
    # What was read of an answer of which something was left out is as old as that.
    if facts.asked is not None and facts.asked.at > unreadable.at:
        return False
    return facts.found_at is None or facts.found_at <= unreadable.at


def disputes(facts: Facts) -> Iterator[SumContradiction]:
    """All contradictions about how much came, as far as nothing later has cleared them."""
    asked, books = facts.asked, facts.books
    if asked is None:
        yield from _differing(facts, books)
    else:
        yield from _differing(facts, asked.books)
        yield from _lacking_before(facts, asked.books)
        if books.keys <= asked.books.keys:
            yield from _sunk(facts, asked.books)
        else:  # it was told of more since, or some of it has gone
            yield from _differing(facts, books)
    for one in facts.booked:
        overvalued = _overvalued(one, facts)
        if overvalued is not None:
            yield overvalued


def _overvalued(one: Booked, facts: Facts) -> SumContradiction | None:
    priced, value = _as_priced(one, facts), one.counted.value
    if value is None or priced.value is None or not _is_beyond(value, priced.value):
        return None
    return SumContradiction(DisputeKind.OVERVALUED, value, priced.value, tx_hash=priced.tx_hash)


def _as_priced(one: Booked, facts: Facts) -> Transfer:
    transfer = one.transfer if one.spread is None else one.counted
    return as_priced(transfer, facts.rates) if facts.rates or not transfer.amount else transfer


def _reported(facts: Facts) -> Books:
    """What the provider says now: who asks knows better than who is told, and of what is told the most counts."""
    return facts.books if facts.asked is None else facts.asked.books


def _listed(facts: Facts, books: Books) -> list[Booked]:
    keys = books.keys
    return [one for one in facts.booked if one.transfer.key in keys]


def _differing(facts: Facts, books: Books) -> Iterator[SumContradiction]:
    """Whether a sum is that of its transfers: by their values, and where it does not say those, by the prices."""
    listed = [one.transfer for one in _listed(facts, books)]
    worths = [worth_of(transfer, facts.rates) for transfer in listed]
    known = [worth for worth in worths if worth is not None]
    if not known:
        return
    least, most = (total(each) for each in zip(*known, strict=True))
    is_by_prices = any(transfer.value is None for transfer in listed)
    bearable = max(CENT, product(most, RATES_MOVE_BY)) if is_by_prices else BEARABLE
    below, beyond = excess_over(least, books.balance), excess_over(books.balance, most)
    if below > bearable or has_lost_some(books.balance, listed, facts.rates):
        is_loss = is_by_prices or len(known) < len(worths) or came_at_once(books.balance, listed)
        kind = DisputeKind.BELOW if is_loss else DisputeKind.LACKS
        yield SumContradiction(kind, books.balance, least, is_by_prices)
    elif beyond > bearable and len(known) == len(worths) and books.is_whole:
        yield SumContradiction(DisputeKind.BEYOND, books.balance, most, is_by_prices)


def _lacking_before(facts: Facts, books: Books) -> Iterator[SumContradiction]:
    """Whether a sum that is too low was so already when it was of one transfer: more transfers explain nothing."""
    of_one = facts.asked_of_one
    if of_one is None or of_one.books == books:
        return
    if any(one.kind is DisputeKind.BELOW for one in _differing(facts, books)):
        yield from (one for one in _differing(facts, of_one.books) if one.kind is DisputeKind.LACKS)


def _sunk(facts: Facts, asked: Books) -> Iterator[SumContradiction]:
    """Whether a sum is less than the one before, as far as that was no more than its transfers are worth."""
    before = facts.books.balance
    worths = [worth_of(one.transfer, facts.rates) for one in _listed(facts, facts.books)]
    if None not in worths:
        before = min(before, total(worth[1] for worth in worths if worth is not None))
    if excess_over(before, asked.balance) > CENT:
        yield SumContradiction(DisputeKind.SANK, asked.balance, facts.books.balance)


def _is_beyond(value: Decimal, priced: Decimal) -> bool:
    return excess_over(value, priced) > max(CENT, product(priced, RATES_MOVE_BY))
