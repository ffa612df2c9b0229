"""Figures as they are shown: what came, is missing and is the fee, in the decimals that the currency has. Prices in
coins and shares of fees have more, by which everything is decided. Pure."""

from decimal import Decimal
from typing import NamedTuple

from coordinator.currencies import MINOR_UNITS
from coordinator.money import ZERO, decimals_of, excess_over, in_scale_of, rounded, rounded_down
from coordinator.payments.payments import Payment

__all__ = ["Scale", "ShownFigures", "shown"]


class ShownFigures(NamedTuple):
    """In the payment's currency. What came and what is missing add up to what was agreed, where anything is."""

    received: Decimal
    missing: Decimal
    excess: Decimal
    fee: Decimal
    missing_fee: Decimal


class Scale:
    """How amounts are shown to those who agreed on one."""

    def __init__(self, payment: Payment, agreed: Decimal) -> None:
        self._agreed = agreed
        # A chain's token may be called like a currency, and has what decimals the chain says.
        known = None if payment.direct is not None else MINOR_UNITS.get(payment.currency)
        self._decimals = None if known is None else max(known, decimals_of(agreed))

    def received(self, received: Decimal) -> Decimal:
        """What came: never more than did, so that as much as is read can be sent back."""
        if self._decimals is None or decimals_of(received) <= self._decimals:
            return in_scale_of(self._agreed, received)  # the usual case
        return in_scale_of(self._agreed, rounded_down(received, self._decimals))

    def other(self, amount: Decimal) -> Decimal:
        """A fee, and the like."""
        if self._decimals is not None and decimals_of(amount) > self._decimals:
            amount = rounded(amount, self._decimals)
        return in_scale_of(self._agreed, amount)

    def figures(
        self, received: Decimal, missing: Decimal, excess: Decimal, fee: Decimal, missing_fee: Decimal
    ) -> ShownFigures:
        """All of them, such as belong together."""
        came = self.received(received)
        lacking = excess_over(self._agreed, came) if missing else missing
        too_much = excess_over(came, self._agreed) if excess else excess
        return ShownFigures(
            came,
            in_scale_of(self._agreed, lacking),
            in_scale_of(self._agreed, too_much),
            self.other(fee) if fee else in_scale_of(self._agreed, ZERO),
            self.other(missing_fee) if missing_fee else in_scale_of(self._agreed, ZERO),
        )


def shown(payment: Payment) -> ShownFigures:
    """Those of a whole payment."""
    scale = Scale(payment, payment.amount)
    return scale.figures(payment.received, payment.missing, payment.excess, payment.fee, payment.missing_fee)
