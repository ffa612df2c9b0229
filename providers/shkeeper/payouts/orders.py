"""Orders of payouts through SHKeeper: whether coin, destination, amount and fee of one can be right, before anything
is written and anybody is asked."""

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from coordinator.money import ZERO, decimals_of, rounded
from providers.contract import PayoutOrder
from providers.errors import NotPayableError
from providers.shkeeper.coins import DECIMALS
from providers.shkeeper.destinations import DestinationWrongError, read_destination

__all__ = ["network_fee", "read_amount", "read_coin", "read_fee", "read_order"]

SHOWN_CHARACTERS = 40
# How alike two names must be for one to be a mistyping of the other: `ETH-USTD` and `ETH-USDT` are by 0.88.
ALIKE = 0.6
# Of one coin that came in, and of two that go out, the change among them, as the oldest kind of address has them. The
# newer ones take less; a wallet that pays with many small coins takes some hundred and fifty bytes more for each.
USUAL_BYTES = 226
PLACES = 8


@dataclass(frozen=True, slots=True)
class _FeeRange:
    """What a sender may set for the network, in the coin's smallest units for each (virtual) byte."""

    lowest: int
    highest: int


_FEES: Mapping[str, _FeeRange] = {
    # The lowest that nodes pass on; the highest that SHKeeper's wallet sends with.
    "BTC": _FeeRange(1, 1_000),
    "LTC": _FeeRange(1, 1_000),
    # Its wallet would take ten times as much. By itself it takes 20,000.
    "DOGE": _FeeRange(1_000, 1_000_000),
    # Its node is told by SHKeeper itself, which sets no limits.
    "FIRO": _FeeRange(1, 1_000),
    "FIRO-SPARK": _FeeRange(1, 1_000),
}
"""By coin. All others set it themselves. (Monero's takes a priority, as a JSON number; what is sent is text, which
SHKeeper takes for none.)"""


def read_order(
    order: PayoutOrder,
    *,
    offered: Collection[str] | None,
    decimals: Mapping[str, int] = DECIMALS,
    now: datetime | None = None,
    test_network: bool = False,
) -> PayoutOrder:
    """The order in the form in which it is given. Raises NotPayableError, which says what is wrong. `offered` are the
    coins that SHKeeper has; None if it did not say. What the other arguments are for, `read_amount` and
    `read_destination` say."""
    coin = read_coin(order.coin, offered)
    amount = read_amount(coin, order.amount, decimals)
    fee = read_fee(coin, order.fee)
    try:
        to = read_destination(coin, order.destination, amount=amount, now=now, test_network=test_network)
    except DestinationWrongError as error:
        raise NotPayableError("destination", str(error), error.fault) from None
    return PayoutOrder(coin, to, amount, fee)


def network_fee(order: PayoutOrder) -> Decimal | None:
    """What a usual transaction costs at the rate that an order sets: its own and not SHKeeper's, whose wallet adds it
    to the amount."""
    return None if order.fee is None else (order.fee * USUAL_BYTES).scaleb(-PLACES)


def read_coin(coin: str, offered: Collection[str] | None) -> str:
    """Raises NotPayableError unless the coin is one of those that are offered, letter for letter. If nobody knows
    which are, it is taken as it is."""
    if offered is None or coin in offered:
        return coin
    names = sorted(offered)
    meant = difflib.get_close_matches(coin[:SHOWN_CHARACTERS].upper(), names, n=1, cutoff=ALIKE)
    guess = f"did you mean {meant[0]}? " if meant else ""
    known = ", ".join(names) or "none"
    raise NotPayableError("coin", f"SHKeeper has no coin {coin[:SHOWN_CHARACTERS]!r} here; {guess}It has: {known}")


def read_amount(coin: str, amount: Decimal, decimals: Mapping[str, int] = DECIMALS) -> Decimal:
    """The amount, with no more decimals than the coin has. Raises NotPayableError unless that is all of it. Of a coin
    that is not among `decimals` any is taken."""
    if not amount.is_finite() or amount <= ZERO:
        raise NotPayableError("amount", "the amount must be more than zero")
    places = decimals.get(coin)
    if places is None or decimals_of(amount) <= places:
        return amount
    fitting = rounded(amount, places)
    if fitting != amount:
        raise NotPayableError("amount", f"{coin} has {places} decimals; expected no more of them")
    return fitting


def read_fee(coin: str, fee: Decimal | None) -> Decimal | None:
    """What the sender sets for the network. None, and zero, which SHKeeper's own examples have everywhere, leave it
    to the wallet. Raises NotPayableError where it cannot be set, or not so."""
    if fee is None or fee.is_zero():
        return None
    limits = _FEES.get(coin)
    if limits is None:
        raise NotPayableError("fee", f"the wallet of {coin} sets its fee itself; leave it out")
    if not fee.is_finite() or not limits.lowest <= fee <= limits.highest or fee != fee.to_integral_value():
        raise NotPayableError(
            "fee",
            f"expected a whole number from {limits.lowest} to {limits.highest}: hundred-millionths of a coin for each"
            " byte of the transaction, not the fee as a whole",
        )
    return Decimal(int(fee))
