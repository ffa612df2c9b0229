"""Payout limits: how much may leave without a second person, in each currency.

What awaits approval counts for nothing, since none of it leaves; what was approved counts from then on. So in
whatever order payouts come, no more than the limits ever leaves without somebody having looked at it.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from pydantic import ConfigDict

from coordinator.models import FrozenModel
from coordinator.money import ZERO, Amount, format_amount, total
from coordinator.payouts.payouts import Payout
from coordinator.payouts.statuses import UNSETTLED_STATUSES, PayoutStatus

__all__ = [
    "DAY",
    "DEFAULT_LIMITS",
    "WITHOUT_OUTFLOW",
    "Outflow",
    "PaidOut",
    "PayoutLimits",
    "outflow_of",
    "over_limits",
    "paid_out",
]

DAY = timedelta(days=1)
"""The last 24 hours: a calendar's day would let twice as much leave around midnight."""

WITHOUT_OUTFLOW = (PayoutStatus.AWAITING_APPROVAL, PayoutStatus.FAILED)
"""Of payouts whose money has not left. What came back has: a person says so, and what a limit is there for must not
hang on one person's word."""


class PayoutLimits(FrozenModel):
    """How much may leave in one currency before a second person has to approve it."""

    # Of these the operator writes, as all settings, the names in Python.
    model_config = ConfigDict(alias_generator=None)

    per_payout: Amount
    per_seller_and_day: Amount
    per_day: Amount
    """To all sellers."""
    under_way: Amount
    """At one moment: of all that was let go and has not ended."""


DEFAULT_LIMITS: Mapping[str, PayoutLimits] = dict.fromkeys(
    ("USD", "EUR", "GBP", "CHF", "CAD", "AUD", "USDT", "USDC", "DAI", "PYUSD"),
    PayoutLimits(
        per_payout=Decimal(1_000),
        per_seller_and_day=Decimal(2_000),
        per_day=Decimal(10_000),
        under_way=Decimal(10_000),
    ),
)
"""For a bridge whose operator has said nothing: what most sales come to passes, and whoever gets hold of a service's
token or finds a hole in the marketplace gets no more than this before a person looks. A currency that is not here is
worth nobody knows how much, so all of it waits."""


class Outflow(NamedTuple):
    """What one payout takes of the limits of its currency."""

    payout_id: str
    seller_id: str
    """Whom it pays: of a refund the buyer."""
    currency: str
    """Of the worth."""
    worth: Decimal
    cleared_at: datetime
    """Since when it may be sent."""
    is_under_way: bool


class PaidOut(NamedTuple):
    """What has left or may leave in one currency."""

    to_seller_today: Decimal
    today: Decimal
    under_way: Decimal


def outflow_of(payout: Payout) -> Outflow | None:
    """None if it takes nothing, or if nobody knows how much."""
    worth, currency, cleared_at = payout.worth, payout.worth_currency, payout.cleared_at
    if payout.status in WITHOUT_OUTFLOW or worth is None or currency is None or cleared_at is None:
        return None
    is_under_way = payout.status in UNSETTLED_STATUSES
    return Outflow(payout.payout_id, payout.payee_id, currency, worth, cleared_at, is_under_way)


def paid_out(outflows: Iterable[Outflow], payout: Payout, now: datetime) -> PaidOut:
    """What others than this payout have taken of the limits for it."""
    others = [one for one in outflows if one.currency == payout.worth_currency and one.payout_id != payout.payout_id]
    today = [one for one in others if one.cleared_at > now - DAY]
    return PaidOut(
        to_seller_today=total(one.worth for one in today if one.seller_id == payout.payee_id),
        today=total(one.worth for one in today),
        under_way=total(one.worth for one in others if one.is_under_way),
    )


def over_limits(payout: Payout, others: PaidOut, limits: PayoutLimits | None) -> tuple[str, ...]:
    """Why a payout may not leave by itself, for a person to read; nothing if it may. What is not known is not
    allowed."""
    worth, currency = payout.worth, payout.worth_currency
    if worth is None or currency is None:
        return ("nobody knows what it is worth, so that no limit can be kept",)
    if limits is None:
        return (f"no limits are set for {currency}",)

    def over(taken: Decimal, limit: Decimal, what: str) -> Iterable[str]:
        with_it = total([taken, worth])
        if with_it > limit:
            sum_of = f"{format_amount(taken)} and this {format_amount(worth)}" if taken else format_amount(worth)
            yield f"{sum_of} {currency} are above {format_amount(limit)} {currency}, the limit {what}"

    return (
        *over(ZERO, limits.per_payout, "of one payout"),
        *over(others.to_seller_today, limits.per_seller_and_day, f"of 24 hours for {payout.payee_id}"),
        *over(others.today, limits.per_day, "of 24 hours for all sellers"),
        *over(others.under_way, limits.under_way, "of what may be under way"),
    )
