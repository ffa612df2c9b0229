"""Fee shares: how much of what came through a gateway is its fee, by the coins that it came in.

Each coin has a fee of its own, and what the operator changes later does not make goods of a fee that was taken: of
several that were named for one coin the one that leaves least for the goods counts.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from coordinator.fees import Fee, FeePolicy
from coordinator.money import ZERO, excess_over, product, quotient, total
from coordinator.observations import Transfer

__all__ = ["ANY_COIN", "fee_in", "fee_on_rest", "whole_fee"]

ANY_COIN = ""
"""Under which stands what was said of no coin in particular."""

Said = Mapping[str, tuple[Fee, ...]]
Priced = Mapping[str, Decimal]


def whole_fee(coin: str, amount: Decimal, said: Said, priced: Priced) -> Decimal | None:
    """What is asked for on top of an amount in one coin; None if that is not known."""
    named = _named(coin, said)
    return max(fee.on(amount) for fee in named) if named else priced.get(coin)


def fee_in(transfers: Sequence[Transfer], paid: Decimal, amount: Decimal, said: Said, priced: Priced) -> Decimal:
    """The fee in what was paid: as the gateway says of each transfer, and where it does not, by what is known of the
    coin's fee. What was paid beyond what the transfers are worth is a sum that names none of them."""
    if not said and not priced and all(transfer.fee is None for transfer in transfers):
        return ZERO
    if len(transfers) == 1 and (one := transfers[0]).fee is not None and one.value == paid:
        # As it is with most payments.
        return min(_fee_of_coin(transfers, paid, one.asset, amount, said, priced), paid) if one.fee else ZERO
    coins = dict.fromkeys(transfer.asset for transfer in transfers)
    fee, worth, unvalued = ZERO, ZERO, []
    for coin in coins:
        of_coin = [transfer for transfer in transfers if transfer.asset == coin]
        valued = [transfer for transfer in of_coin if transfer.value is not None]
        if len(valued) < len(of_coin):
            unvalued.append(coin)
        value = total(transfer.value for transfer in valued if transfer.value is not None)
        fee = total([fee, _fee_of_coin(valued, value, coin, amount, said, priced)])
        worth = total([worth, value])
    rest = excess_over(paid, worth)
    if rest:
        shares = (_share(rest, amount, _fees(coin, said, priced)) for coin in unvalued or (ANY_COIN,))
        fee = total([fee, max(shares)])
    return min(fee, paid)


def _fee_of_coin(
    valued: Sequence[Transfer], value: Decimal, coin: str, amount: Decimal, said: Said, priced: Priced
) -> Decimal:
    fees = [transfer.fee for transfer in valued if transfer.fee is not None]
    if len(fees) < len(valued):
        return _share(value, amount, _fees(coin, said, priced))
    taken = total(fees)
    # Taken off each transfer, as some gateways do, a fixed fee is too much; on what is too much there is none.
    named = _named(coin, said)
    return min(taken, max(fee.on(amount) for fee in named)) if named else taken


def _named(coin: str, said: Said) -> tuple[Fee, ...]:
    """What the provider named for a coin; if nothing, what it named for none in particular."""
    return said.get(coin) or said.get(ANY_COIN, ())


def _fees(coin: str, said: Said, priced: Priced) -> Iterable[Fee]:
    """What is known of a coin's fee. Of a price it is not known what it is on a part: taken off whole it completes
    least."""
    named = _named(coin, said)
    if named:
        return named
    # A Lightning invoice may be paid in Bitcoin: where nothing is known of a coin, any fee that is known may be its.
    prices = [priced[coin]] if coin in priced else priced.values()
    return [Fee(policy=FeePolicy.FIXED, fixed=price) for price in prices]


def _share(paid: Decimal, amount: Decimal, fees: Iterable[Fee]) -> Decimal:
    return max((excess_over(paid, fee.taken_off(paid, amount)) for fee in fees), default=ZERO)


def fee_on_rest(
    missing: Decimal, amount: Decimal, coin: str, fee_in_coin: Decimal, *, paid: Decimal, said: Said, whole: Decimal
) -> Decimal:
    """What is asked for on top of what is missing, paid in one coin. `whole` is the fee on the whole amount in that
    coin, and `fee_in_coin` what of it has come."""
    left = excess_over(whole, fee_in_coin)
    named = _named(coin, said)
    in_proportion = quotient(product(whole, missing), amount)
    if named:
        is_percent = all(fee.policy in (FeePolicy.PERCENT, FeePolicy.NONE) for fee in named)
        return min(left, in_proportion) if is_percent else left
    # In another coin than what has come so far, of whose fee only the price is known.
    return in_proportion if paid and not fee_in_coin else left
