"""Network fees: whether what a sender sets for the network is in proportion to what is sent. Pure.

It comes on top of the amount, out of the marketplace's own wallet: no seller earns less by it, and no limit counts
it. So it is bounded.
"""

from decimal import Decimal

from coordinator.money import format_amount, product

__all__ = ["NetworkFeeTooHighError", "network_fee_doubt"]


class NetworkFeeTooHighError(ValueError):
    """The network would get more than who is paid."""


def network_fee_doubt(amount: Decimal, coin: str, fee: Decimal, bearable_percent: Decimal) -> str | None:
    """Why somebody has to look at a payout for which the network gets about so much of its coin; None if it is no
    more than so many percent of the amount. Raises NetworkFeeTooHighError."""
    if fee >= amount:
        raise NetworkFeeTooHighError(
            f"at this rate a usual transaction costs {format_amount(fee)} {coin}, and pays {format_amount(amount)};"
            " expected a lower one, or none, so that the wallet sets it"
        )
    if fee <= product(amount, bearable_percent.scaleb(-2)):
        return None
    return (
        f"at the rate that is set the network gets about {format_amount(fee)} {coin} for it, more than"
        f" {format_amount(bearable_percent)} percent of {format_amount(amount)}"
    )
