"""Fees: what a gateway asks for on top of a payment's amount, and how much of what came is the fee."""

from decimal import Decimal
from enum import StrEnum

from coordinator.models import FrozenModel
from coordinator.money import ZERO, Amount, excess_over, product, quotient, total

__all__ = ["NO_FEE", "Fee", "FeePolicy"]

HUNDRED = Decimal(100)


class FeePolicy(StrEnum):
    """How a fee follows from an amount."""

    NONE = "none"
    PERCENT = "percent"
    FIXED = "fixed"
    PERCENT_AT_LEAST_FIXED = "percent-at-least-fixed"


class Fee(FrozenModel):
    """What is asked for on top of an amount, in the payment's currency."""

    policy: FeePolicy = FeePolicy.NONE
    percent: Amount = ZERO
    fixed: Amount = ZERO

    def on(self, amount: Decimal) -> Decimal:
        """The fee on an amount."""
        match self.policy:
            case FeePolicy.NONE:
                return ZERO
            case FeePolicy.PERCENT:
                return self._percent_of(amount)
            case FeePolicy.FIXED:
                return self.fixed
            case FeePolicy.PERCENT_AT_LEAST_FIXED:
                return max(self._percent_of(amount), self.fixed)

    def taken_off(self, paid: Decimal, amount: Decimal) -> Decimal:
        """How much of what was paid is for the goods, which cost `amount`.

        The fee is on the whole, not on each transfer: of a fixed fee a gateway that counts it for each takes off too
        much. What is paid above amount and fee bears none.
        """
        fee = self.on(amount)
        if not fee or not paid:
            return paid
        if paid >= amount + fee:
            return excess_over(paid, fee)
        return min(self._goods_in(paid), amount)

    def asked_for(self, goods: Decimal, amount: Decimal) -> Decimal:
        """How much has to be paid for so much of the goods, which cost `amount`: what leaves just that much once the
        fee is taken off."""
        return total([goods, self.on(min(goods, amount))])

    def _percent_of(self, amount: Decimal) -> Decimal:
        return quotient(product(amount, self.percent), HUNDRED)

    def _goods_in(self, paid: Decimal) -> Decimal:
        """The amount that, with the fee on it, comes to what was paid."""
        without_percent = quotient(product(paid, HUNDRED), HUNDRED + self.percent)
        without_fixed = excess_over(paid, self.fixed)
        match self.policy:
            case FeePolicy.PERCENT:
                return without_percent
            case FeePolicy.FIXED:
                return without_fixed
            case _:
                return min(without_percent, without_fixed)


NO_FEE = Fee()
