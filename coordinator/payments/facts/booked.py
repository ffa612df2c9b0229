"""Booked transfers: what a provider has reported of each, what shows that it is confirmed, and whose it is. Every
part only grows, so that two messages about one transfer are merged in any order.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from pydantic import AwareDatetime, Field

from coordinator.models import FrozenModel, UnlessZero
from coordinator.money import DERIVED_DECIMALS, ZERO, Amount, portion, product
from coordinator.payments.observed.transfers import Transfer

__all__ = [
    "AnnouncedTransfer",
    "Booked",
    "Doubts",
    "Spread",
    "earliest",
    "latest",
    "with_booked",
    "with_seen",
    "with_taken_back",
]

# What is reported twice is rounded in two places.
ROUNDING = Decimal("1e-8")
# The time of a first report that older bridges did not store.
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class Doubts(FrozenModel):
    """What speaks for and against a transfer's belonging to this payment. The first report decides, but the
    provider's books outrank it."""

    doubted_at: AwareDatetime | None = None
    """When a message told of it first that cannot be about this payment."""
    fitting_at: AwareDatetime | None = None
    """When a message told of it first that fits; None also where nothing was doubted by then."""
    foreign_at: AwareDatetime | None = None
    """When the provider's books showed last that it is another's."""
    own_at: AwareDatetime | None = None
    """When they showed last that it is this payment's."""

    @property
    def are_settled(self) -> bool:
        """Whether it is this payment's."""
        if self.own_at is not None or self.foreign_at is not None:
            return self.own_at is not None and (self.foreign_at is None or self.own_at >= self.foreign_at)
        if self.doubted_at is None:
            return True
        return self.fitting_at is not None and self.fitting_at <= self.doubted_at


class Spread(FrozenModel):
    """The range of what was reported of one transfer: the least and the most, in its coin and in the payment's
    currency."""

    least_amount: Amount
    most_amount: Amount
    least_value: Amount | None = None
    most_value: Amount | None = None

    @property
    def is_more_than_rounding(self) -> bool:
        least, most = self.least_value, self.most_value
        if least is not None and most is not None and _differ(least, most):
            return True
        return _differ(self.least_amount, self.most_amount)


class Booked(FrozenModel):
    """A transfer that the provider has booked to an invoice, and what shows that it is confirmed and whose it is."""

    transfer: Transfer
    is_proven: bool = False
    """The provider's own message about it came, which it sends once the operator's confirmations are there."""
    first_told_at: AwareDatetime | None = None
    last_told_at: AwareDatetime | None = None
    """When the bridge was told first and last that it is booked; None if that was not written down."""
    first_heard_at: AwareDatetime | None = None
    last_heard_at: AwareDatetime | None = None
    """When an answer listed it first and last, by a clock that only goes on; None if none did, or that was not
    written down."""
    settling_seconds: int = 0
    """How long after it was booked it certainly has its confirmations."""
    doubts: Doubts | None = None
    """None where nothing but messages that fit told of it."""
    spread: Spread | None = None
    """None where all told the same of it."""
    assets: tuple[str, ...] = ()
    """What was told to have moved, in order; none where all told the same."""
    taken_back_at: AwareDatetime | None = None
    """When the provider's books were last found to call it unconfirmed after it had counted."""
    refused_date: AwareDatetime | None = Field(None, exclude_if=lambda value: value is None)
    """What the provider dates it, the first of those that cannot be right, which are not known as its date."""
    dates_ahead_seconds: UnlessZero = 0
    """By how much the provider's dates were ahead of UTC when it told of it, as far as that was known."""

    @property
    def is_own(self) -> bool:
        """Whether it belongs to this payment, as far as anybody can tell."""
        return self.doubts is None or self.doubts.are_settled

    @property
    def occurred_at(self) -> datetime | None:
        """When it came, as the provider says, put right by what is known of the zone that its dates are in."""
        date, ahead_seconds = self.transfer.occurred_at, self.dates_ahead_seconds
        return date - timedelta(seconds=ahead_seconds) if date is not None and ahead_seconds else date

    @property
    def is_disputed(self) -> bool:
        """Whether two amounts were told of it."""
        return self.spread is not None and self.spread.is_more_than_rounding

    @property
    def counts(self) -> bool:
        """Whether it is this payment's, and confirmed."""
        if self.taken_back_at is not None and self.is_taken_back:
            return False
        return (self.doubts is None or self.doubts.are_settled) and (self.is_proven or self.is_confirmed)

    @property
    def is_taken_back(self) -> bool:
        """Whether the provider's books call it unconfirmed again, and have not booked it again since."""
        at, own_at = self.taken_back_at, None if self.doubts is None else self.doubts.own_at
        return at is not None and (own_at is None or own_at <= at)

    @property
    def is_confirmed(self) -> bool:
        """Whether it has the operator's confirmations: by a message about it, or since it was booked long enough
        ago."""
        if self.is_proven:
            return True
        first, last = self.first_told_at, self.last_told_at
        if self.first_heard_at is not None and self.last_heard_at is not None:
            # However somebody sets the clock meanwhile, no more blocks come by that.
            first, last = self.first_heard_at, self.last_heard_at
        if first is None or last is None:
            return False
        return last - first >= timedelta(seconds=self.settling_seconds)

    @property
    def counted(self) -> Transfer:
        """As it is counted: of two reported amounts the smaller one."""
        transfer, spread = self.transfer, self.spread
        if spread is None or transfer.value is None or not _differ(spread.least_amount, transfer.amount):
            return transfer
        worth = portion(transfer.value, spread.least_amount, transfer.amount, DERIVED_DECIMALS)
        return transfer.model_copy(update={"amount": spread.least_amount, "value": worth, "fee": None})


class AnnouncedTransfer(FrozenModel):
    """A transfer that was announced before it was booked."""

    transfer: Transfer
    first_told_at: AwareDatetime | None = None


def with_booked(known: Sequence[Booked], more: Sequence[Booked]) -> tuple[Booked, ...]:
    """All of them, in order of their keys; what two of one key know is put together."""
    if not known and len(more) < 2:
        return tuple(more)  # the usual case
    by_key = {one.transfer.key: one for one in known}
    for one in more:
        other = by_key.get(one.transfer.key)
        by_key[one.transfer.key] = one if other is None else _both(other, one)
    return tuple(by_key[key] for key in sorted(by_key))


def with_taken_back(known: Sequence[Booked], keys: Collection[str], at: datetime) -> tuple[Booked, ...]:
    """All of them, of which some were found to be unconfirmed again at that moment."""
    return tuple(
        one.model_copy(update={"taken_back_at": latest(one.taken_back_at, at)}) if one.transfer.key in keys else one
        for one in known
    )


def with_seen(known: Sequence[AnnouncedTransfer], more: AnnouncedTransfer) -> tuple[AnnouncedTransfer, ...]:
    """All of them, in order of their keys."""
    by_key = {one.transfer.key: one for one in known}
    other = by_key.get(more.transfer.key)
    if other is not None:
        more = AnnouncedTransfer(
            transfer=_fuller(other.transfer, more.transfer),
            first_told_at=earliest(other.first_told_at, more.first_told_at),
        )
    by_key[more.transfer.key] = more
    return tuple(by_key[key] for key in sorted(by_key))


def _both(one: Booked, other: Booked) -> Booked:
    return Booked.of_checked(
        transfer=_fuller(one.transfer, other.transfer),
        is_proven=one.is_proven or other.is_proven,
        first_told_at=earliest(one.first_told_at, other.first_told_at),
        last_told_at=latest(one.last_told_at, other.last_told_at),
        first_heard_at=earliest(one.first_heard_at, other.first_heard_at),
        last_heard_at=latest(one.last_heard_at, other.last_heard_at),
        settling_seconds=max(one.settling_seconds, other.settling_seconds),
        doubts=_doubts_of_both(one, other),
        spread=_spread_of_both(one, other),
        assets=_assets_of_both(one, other),
        taken_back_at=latest(one.taken_back_at, other.taken_back_at),
        refused_date=earliest(one.refused_date, other.refused_date),
        # Of two zones the one by which it came later: the other proves that it came in time too easily.
        dates_ahead_seconds=min(one.dates_ahead_seconds, other.dates_ahead_seconds),
    )


def _assets_of_both(one: Booked, other: Booked) -> tuple[str, ...]:
    some, others = one.transfer.asset, other.transfer.asset
    if some == others and not one.assets and not other.assets:
        return ()  # the usual case
    return tuple(sorted({some, others, *one.assets, *other.assets}))


def _doubts_of_both(one: Booked, other: Booked) -> Doubts | None:
    if one.doubts is None and other.doubts is None:
        return None
    some, others = _doubts(one), _doubts(other)
    return Doubts.of_checked(
        doubted_at=earliest(some.doubted_at, others.doubted_at),
        fitting_at=earliest(some.fitting_at, others.fitting_at),
        foreign_at=latest(some.foreign_at, others.foreign_at),
        own_at=latest(some.own_at, others.own_at),
    )


def _doubts(booked: Booked) -> Doubts:
    """Of one that nobody doubted every message fits, the first of them too."""
    return booked.doubts or Doubts.of_checked(fitting_at=booked.first_told_at or LONG_AGO)


def _spread_of_both(one: Booked, other: Booked) -> Spread | None:
    some, others = one.transfer, other.transfer
    is_same_worth = some.value is None or others.value is None or some.value == others.value
    if one.spread is None and other.spread is None and some.amount == others.amount and is_same_worth:
        return None  # the usual case: the provider repeats itself
    spreads = [one.spread or _no_spread(some), other.spread or _no_spread(others)]
    values = [value for spread in spreads for value in (spread.least_value, spread.most_value) if value is not None]
    return Spread.of_checked(
        least_amount=min(spread.least_amount for spread in spreads),
        most_amount=max(spread.most_amount for spread in spreads),
        least_value=min(values, default=None),
        most_value=max(values, default=None),
    )


def _no_spread(transfer: Transfer) -> Spread:
    return Spread.of_checked(
        least_amount=transfer.amount,
        most_amount=transfer.amount,
        least_value=transfer.value,
        most_value=transfer.value,
    )


def _differ(one: Decimal, other: Decimal) -> bool:
    return abs(one - other) > product(max(one, other), ROUNDING)


def _fuller(one: Transfer, other: Transfer) -> Transfer:
    """Of two reports of one transfer, the one that says more; if both say as much, the one that is worth less."""
    return one if one == other else max(one, other, key=_says)


def _says(transfer: Transfer) -> tuple[bool, Decimal, bool, str]:
    value = transfer.value
    return value is not None, -(value or ZERO), transfer.occurred_at is not None, transfer.model_dump_json()


def earliest(*moments: AwareDatetime | None) -> AwareDatetime | None:
    """The first of those that are known."""
    return min((at for at in moments if at is not None), default=None)


def latest(*moments: AwareDatetime | None) -> AwareDatetime | None:
    """The last of those that are known."""
    return max((at for at in moments if at is not None), default=None)
