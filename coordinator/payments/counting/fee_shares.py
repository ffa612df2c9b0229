"""Fee shares: how much of what came through a gateway is its fee, and what has to be paid so that the goods are.

Both follow from one rule, and the second is the inverse of the first: the fee is taken once in each coin, on the
total in that coin. If several fees are possible for a coin, the one that leaves the least for the goods counts,
whether the gateway named it or only asked for it in a price; a later change by the operator does not turn a fee that
was taken into goods. What transfers without a value are worth follows from the gateway's sum (`valuation.py`), and
where that leaves it open, each coin is taken to have as much of it as possible.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from coordinator.money import ZERO, excess_over, product, quotient, rounded, total
from coordinator.payments.agreed.fees import Fee, FeePolicy
from coordinator.payments.counting.valuation import CENT, Rates, split
from coordinator.payments.observed.observations import Transfer

__all__ = [
    "ANY_COIN",
    "BEARABLE_SHARE",
    "FeeTerms",
    "asked_in",
    "bearable_terms",
    "fee_in",
    "is_bearable",
    "is_doubtful",
    "is_striking",
    "least_fee_in",
    "takes_nothing",
]

ANY_COIN = ""
"""Under which stands what was said of no coin in particular."""
HUNDRED = Decimal(100)
BEARABLE_SHARE = Decimal(1)
"""Of the amount, by which small payments bear a fixed fee: one that is more is a slip of its operator's, or worse. No
buyer is asked for it, and nothing that came counts as it."""
DOUBTFUL_SHARE = Decimal("0.5")
"""Of the amount: what no gateway takes in percent. Of a fee that may be a fixed one a small payment bears more."""


class FeeTerms(NamedTuple):
    """What is known of the fees on a payment."""

    amount: Decimal
    """Of the goods."""
    said: Mapping[str, tuple[Fee, ...]]
    """By coin, every fee that the provider named for it."""
    priced: Mapping[str, Decimal]
    """By coin, the most that one of its prices asked for on top of the amount."""
    rates: Rates
    unbearable: frozenset[str] = frozenset()
    """The coins of which a fee was left out that is out of proportion."""

    def named(self, coin: str) -> tuple[Fee, ...]:
        """What the provider named for a coin; if nothing, what it named for none in particular."""
        return self.said.get(coin) or self.said.get(ANY_COIN, ())

    def fees(self, coin: str) -> tuple[Fee, ...]:
        """Every fee that may be a coin's. Of a price that no named fee comes to it is not known what it is on a part:
        taken off whole it leaves least."""
        named, price = self.named(coin), self.priced.get(coin)
        if price is not None:
            return named if self.is_explained(coin) else (*named, _fixed(price))
        if named:
            return named
        if coin in self.unbearable:
            return ()
        # A Lightning invoice may be paid in Bitcoin: where nothing is known of a coin, any fee that is known may be
        # its.
        of_others = (fee for fees in self.said.values() for fee in fees)
        return (*of_others, *map(_fixed, self.priced.values()))

    def is_explained(self, coin: str) -> bool:
        """Whether a fee that was named comes to what a coin's price asks for on top."""
        price = self.priced.get(coin, ZERO)
        return any(abs(fee.on(self.amount) - price) <= CENT for fee in self.named(coin))

    def whole(self, coin: str) -> Decimal | None:
        """The most that is asked for on top of the amount in one coin; None if that is not known."""
        if coin not in self.priced and not self.named(coin):
            return None
        return max(fee.on(self.amount) for fee in self.fees(coin))


def takes_nothing(said: Mapping[str, tuple[Fee, ...]], priced: Mapping[str, Decimal]) -> bool:
    """Whether all fees that were named come to nothing, and no price asked for one. Then the fee in what came is what
    its transfers say, and nothing if they say none."""
    if priced:
        return False
    for fees in said.values():  # no generator: it is asked of every payment that moves
        for fee in fees:
            if fee.policy is not FeePolicy.NONE:
                return False
    return True


def is_bearable(fee: Decimal, amount: Decimal) -> bool:
    """Whether a fee on an amount is in proportion to it."""
    return fee <= product(amount, BEARABLE_SHARE)


def is_striking(fee: Decimal, amount: Decimal) -> bool:
    """Whether a fee on an amount is more than anybody takes in percent."""
    return fee > product(amount, DOUBTFUL_SHARE)


def is_doubtful(coin: str, terms: FeeTerms) -> bool:
    """Whether the fee that is asked for in a coin is bearable and striking, and not known to be a fixed one, which is
    as much of a small payment."""
    if any(is_striking(_in_percent(fee, terms.amount), terms.amount) for fee in terms.named(coin)):
        return True
    return is_striking(terms.priced.get(coin, ZERO), terms.amount) and not terms.is_explained(coin)


def _in_percent(fee: Fee, amount: Decimal) -> Decimal:
    """What of a fee is its percents."""
    is_by_percent = fee.policy in (FeePolicy.PERCENT, FeePolicy.PERCENT_AT_LEAST_FIXED)
    return quotient(product(amount, fee.percent), HUNDRED) if is_by_percent else ZERO


def bearable_terms(terms: FeeTerms) -> FeeTerms:
    """The same without the fees that are out of proportion."""
    if _are_bearable(terms):
        return terms
    unbearable = {coin for coin, fee in terms.priced.items() if not is_bearable(fee, terms.amount)}
    said = {
        coin: tuple(fee for fee in fees if is_bearable(fee.on(terms.amount), terms.amount))
        for coin, fees in terms.said.items()
    }
    priced = {coin: fee for coin, fee in terms.priced.items() if is_bearable(fee, terms.amount)}
    unbearable |= {coin for coin, fees in said.items() if len(fees) < len(terms.said[coin])}
    said = {coin: fees for coin, fees in said.items() if fees}
    return terms._replace(said=said, priced=priced, unbearable=frozenset(unbearable))


def _are_bearable(terms: FeeTerms) -> bool:
    """Whether all are in proportion, as they mostly are."""
    for fees in terms.said.values():
        for fee in fees:
            if not is_bearable(fee.on(terms.amount), terms.amount):
                return False
    return all(is_bearable(fee, terms.amount) for fee in terms.priced.values())


class _Held(NamedTuple):
    """What came in one coin."""

    coin: str
    worth: Decimal
    """At most, where it is not known."""
    said: Decimal
    """The fee that the gateway says is in it."""
    is_said: bool
    """Whether it says so of all of it."""
    is_valued: bool
    """Whether the gateway says what all of it is worth."""
    is_sure: bool
    """Whether its worth is known, and stays so if more comes in it."""

    def fee(self, terms: FeeTerms) -> Decimal:
        fees = terms.fees(self.coin)
        said = ZERO if self.coin in terms.unbearable or not is_bearable(self.said, terms.amount) else self.said
        most = max((_taken(fee, self.worth, terms.amount) for fee in fees), default=said)
        if not self.is_said or terms.named(self.coin):
            return most
        price = terms.priced.get(self.coin)
        if price is None:
            return min(said, self.worth)
        # Less than a price comes to as percents can only be another fee than was asked for.
        is_of_price = total([said, CENT]) >= _taken(_percent(price, terms.amount), self.worth, terms.amount)
        return min(said, most) if is_of_price else most

    def least_fee(self, terms: FeeTerms) -> Decimal:
        """The least that it may be, by all that was said of it: `fee` is the most."""
        fees = [*terms.named(self.coin)]
        price = terms.priced.get(self.coin)
        if price is not None and not terms.is_explained(self.coin):
            fees.append(_percent(price, terms.amount))
        taken = [_taken(fee, self.worth, terms.amount) for fee in fees]
        return min([self.fee(terms), *taken]) if taken or self.is_said else ZERO

    def fee_at_most(self, terms: FeeTerms) -> Decimal:
        """Whatever else comes."""
        return max((fee.on(terms.amount) for fee in terms.fees(self.coin)), default=self.said)


def fee_in(transfers: Sequence[Transfer], paid: Decimal, terms: FeeTerms) -> Decimal:
    """The fee in what was paid. What was paid beyond what the transfers say that they are worth is for those that do
    not say it."""
    if len(transfers) == 1 and (one := transfers[0]).value == paid and one.fee is not None:
        # The usual case.
        if not one.fee and not terms.priced.get(one.asset) and not any(map(_takes, terms.named(one.asset))):
            return ZERO
        return min(_Held(one.asset, paid, one.fee, True, True, True).fee(terms), paid)
    if not terms.said and not terms.priced and all(transfer.fee is None for transfer in transfers):
        return ZERO
    return min(total(held.fee(terms) for held in _by_coin(transfers, paid, terms)), paid)


def least_fee_in(transfers: Sequence[Transfer], paid: Decimal, terms: FeeTerms) -> Decimal:
    """The least that the fee in what was paid may be, where it is not known for sure; `fee_in` is the most."""
    if not terms.said and not terms.priced:
        return fee_in(transfers, paid, terms)
    return min(total(held.least_fee(terms) for held in _by_coin(transfers, paid, terms)), paid)


def asked_in(coin: str, transfers: Sequence[Transfer], paid: Decimal, terms: FeeTerms) -> Decimal:
    """What has to be paid in one coin for all of the goods to be paid, whether a message gives its value or only a
    new sum shows it."""
    held = {one.coin: one for one in _by_coin(transfers, paid, terms)}
    own = held.pop(coin, _Held(coin, ZERO, ZERO, True, True, True))
    is_open = any(not one.is_valued for one in held.values())
    low, high = terms.rates.get(coin, (ZERO, None))
    # A new sum is divided anew among all coins whose transfers have no value.
    if is_open and not (low == high and all(one.is_sure for one in (own, *held.values()))):
        fees = [one.fee(terms) if one.is_valued else one.fee_at_most(terms) for one in held.values()]
        return excess_over(total([terms.amount, *fees, own.fee_at_most(terms)]), paid)
    goods = excess_over(total([terms.amount, own.worth, *(one.fee(terms) for one in held.values())]), paid)
    needed = max((fee.asked_for(goods, terms.amount) for fee in terms.fees(coin)), default=total([goods, own.said]))
    return excess_over(needed, own.worth)


def _by_coin(transfers: Sequence[Transfer], paid: Decimal, terms: FeeTerms) -> list[_Held]:
    of_coins: dict[str, list[Transfer]] = {}
    for transfer in transfers:
        of_coins.setdefault(transfer.asset, []).append(transfer)
    open_ones = {
        coin: [one for one in of_coin if one.value is None]
        for coin, of_coin in of_coins.items()
        if any(one.value is None for one in of_coin)
    }
    valued = {
        coin: total(one.value for one in of_coin if one.value is not None) for coin, of_coin in of_coins.items()
    }
    rest = split(excess_over(paid, total(valued.values())), open_ones, terms.rates)
    return [
        _Held(
            coin=coin,
            worth=total([valued[coin], rest.at_most.get(coin, ZERO)]),
            said=total(one.fee for one in of_coin if one.fee is not None),
            is_said=coin not in open_ones and all(one.fee is not None for one in of_coin),
            is_valued=coin not in open_ones,
            is_sure=coin not in open_ones or rest.is_sure,
        )
        for coin, of_coin in of_coins.items()
    ]


def _fixed(price: Decimal) -> Fee:
    return Fee(policy=FeePolicy.FIXED, fixed=price)


def _percent(price: Decimal, amount: Decimal) -> Fee:
    """A price's fee, if it is one in percent."""
    return Fee(policy=FeePolicy.PERCENT, percent=rounded(quotient(product(price, HUNDRED), amount), 20))


def _takes(fee: Fee) -> bool:
    return fee.policy is not FeePolicy.NONE


def _taken(fee: Fee, paid: Decimal, amount: Decimal) -> Decimal:
    return excess_over(paid, fee.taken_off(paid, amount))
