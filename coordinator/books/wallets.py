"""Wallets: what each holds of a coin against what the books say that it should. Pure.

The books do not move at the moment at which a wallet does: what is on its way may be in either. So they say a least
and a most, and whatever lies between agrees. What nobody could be asked about is unknown, and never nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, Field

from coordinator.books.days import date_in
from coordinator.books.entries import EntryKind
from coordinator.errors import BridgeError
from coordinator.models import FrozenModel
from coordinator.money import ZERO, Amount, PositiveAmount, SignedAmount, difference, format_amount, portion, total
from coordinator.waits import is_ahead

__all__ = [
    "LISTED_AFTER",
    "Agreement",
    "Held",
    "Movement",
    "MovementDoubtedError",
    "Should",
    "Tolerances",
    "Unknown",
    "WalletCoin",
    "WalletComparison",
    "WalletSums",
    "compared",
    "moment_of",
    "movement_doubt",
    "next_comparison_at",
    "with_entries",
    "with_noted",
]

# What differs is on the list only if it still does by then: providers and followers of chains lag for minutes.
LISTED_AFTER = timedelta(minutes=10)
# How soon is looked again while something differs, or is not known.
AGAIN_AFTER = timedelta(minutes=10)
HUNDRED = Decimal(100)
# As many as any coin has that is in use.
TOLERANCE_DECIMALS = 18


class WalletCoin(NamedTuple):
    """A coin in a wallet."""

    wallet: str
    """The provider that keeps it, or the chain and the address."""
    coin: str


class Held(NamedTuple):
    """What a wallet says that it holds."""

    amount: Decimal


class Unknown(NamedTuple):
    """Why nobody knows what a wallet holds."""

    reason: str


class Should(NamedTuple):
    """What the books say of a wallet, at one moment."""

    booked: Decimal = ZERO
    """What came for payments, less what payouts and refunds have brought to others, and what the network took for
    them as far as anybody says."""
    noted: Decimal = ZERO
    """What people have noted that moved besides, and what the wallet held at first."""
    leaving: Decimal = ZERO
    """What of the booked may have left already: payouts that are on their way."""
    arriving: Decimal = ZERO
    """What may have come already, and does not count yet."""
    gathering: Decimal = ZERO
    """What of the booked may not be in the wallet yet, but at the address that it was paid to."""
    network_fees: Decimal = ZERO
    """What of the booked the network took."""
    fee_unknown: Decimal = ZERO
    """What was sent where nobody says what the network took, out of this coin or another."""

    @property
    def amounts(self) -> Mapping[str, Decimal]:
        """All of them, by name."""
        return {
            "booked": self.booked,
            "noted": self.noted,
            "leaving": self.leaving,
            "arriving": self.arriving,
            "gathering": self.gathering,
            "network_fees": self.network_fees,
            "fee_unknown": self.fee_unknown,
        }

    @property
    def least(self) -> Decimal:
        return difference(total([self.booked, self.noted]), total([self.leaving, self.gathering]))

    @property
    def most(self) -> Decimal:
        return total([self.booked, self.noted, self.arriving])


class WalletSums(NamedTuple):
    """What the entries of wallets come to."""

    sums: Mapping[tuple[WalletCoin, EntryKind], Decimal]
    through: int
    """The last entry that is in them."""
    newer: int
    """How many entries have come since they were kept last, of whatever kind."""


def with_entries(besides: Should, of: WalletCoin, sums: Mapping[tuple[WalletCoin, EntryKind], Decimal]) -> Should:
    """What the books say of a wallet: what is known besides them, and what their entries come to."""
    came, went, fees, unknown = (
        sums.get((of, kind), ZERO)
        for kind in (EntryKind.COIN_IN, EntryKind.COIN_OUT, EntryKind.NETWORK_FEE, EntryKind.FEE_UNKNOWN)
    )
    booked = difference(came, total([went, fees]))
    return besides._replace(booked=booked, network_fees=fees, fee_unknown=unknown)


class Tolerances(NamedTuple):
    """By how much a wallet may differ before a person has to look."""

    percent: Decimal
    """Of what it should hold at most."""
    by_coin: Mapping[str, Decimal]
    """Of coins for which somebody said so."""

    def of(self, coin: str, should: Decimal) -> Decimal:
        known = self.by_coin.get(coin)
        if known is not None:
            return known
        return portion(max(should, ZERO), self.percent, HUNDRED, TOLERANCE_DECIMALS)


class Movement(FrozenModel):
    """Money that moved without the bridge, as somebody noted it."""

    movement_id: int
    noted_at: AwareDatetime
    noted_by: str
    wallet: str
    coin: str
    amount: SignedAmount = Field(description="Less than zero if it left the wallet.")
    reason: str


class MovementDoubtedError(BridgeError):
    """What somebody notes would leave a wallet and the books further apart; it takes a second look."""


class Agreement(StrEnum):
    """How a wallet stands to the books."""

    AGREES = "agrees"
    WITHIN_TOLERANCE = "within-tolerance"
    DIFFERS = "differs"
    UNKNOWN = "unknown"


class WalletComparison(FrozenModel):
    """What came of comparing a wallet with the books."""

    wallet: str = Field(description="The provider that keeps it, or the chain and the address.")
    coin: str
    compared_at: AwareDatetime
    standing: Agreement = Field(description="Unknown where nobody could say what it holds.")
    held: Amount | None = Field(description="What the provider or the chain says; null where that is not known.")
    unknown_because: str | None = Field(description="Why it is not known.")
    booked: SignedAmount = Field(
        description="What came for payments, less what payouts and refunds have brought to others, and what the "
        "network took for them as far as anybody says."
    )
    noted: SignedAmount = Field(
        description="What people have noted that moved besides, and what was there at the first comparison."
    )
    leaving: Amount = Field(description="Payouts that are on their way: they may have left already.")
    arriving: Amount = Field(description="What is seen and does not count yet: it may have come already.")
    gathering: Amount = Field(description="What came lately: it may still be at the address that it was paid to.")
    network_fees: SignedAmount = Field(ZERO, description="What of `booked` the network took.")
    fee_unknown: SignedAmount = Field(
        ZERO, description="What was sent where nobody says what the network took, out of this coin or another."
    )
    difference: SignedAmount | None = Field(
        description="How much more is held than the books can explain; less than zero: how much is missing. Null "
        "where that is not known."
    )
    tolerance: Amount = Field(description="What differs by more is on the list of what needs a person.")
    differs_since: AwareDatetime | None = Field(
        description="Since when it has differed by more, also while it is not known."
    )
    differed_at: AwareDatetime | None = Field(description="When that was found last.")
    last_difference: SignedAmount | None = Field(description="By how much, then.")
    is_opened: bool = Field(description="Whether it was ever known what it holds.")
    opening: PositiveAmount | None = Field(
        None, description="What it held beyond the books when that was known for the first time; noted as such."
    )

    @property
    def of(self) -> WalletCoin:
        return WalletCoin(self.wallet, self.coin)

    @property
    def should(self) -> Should:
        return Should(**{name: getattr(self, name) for name in Should._fields})

    @property
    def is_listed(self) -> bool:
        """Whether a person has to look."""
        if self.differs_since is None or self.differed_at is None:
            return False
        return self.differed_at - self.differs_since >= LISTED_AFTER

    @property
    def is_settled(self) -> bool:
        """Whether nothing is to be found out before the next day."""
        return self.standing in (Agreement.AGREES, Agreement.WITHIN_TOLERANCE)


def compared(
    of: WalletCoin,
    before: WalletComparison | None,
    said: Sequence[Should],
    held: Held | Unknown,
    tolerances: Tolerances,
    now: datetime,
) -> WalletComparison:
    """What comes of a comparison. `said` is what the books said before and after the wallet was asked. What it holds
    beyond them when that is known for the first time was there before: nobody can tell it from a float."""
    should = said[-1]
    is_opened = before is not None and before.is_opened
    if isinstance(held, Unknown):
        return WalletComparison(
            wallet=of.wallet,
            coin=of.coin,
            **should.amounts,
            compared_at=now,
            standing=Agreement.UNKNOWN,
            held=None,
            unknown_because=held.reason,
            difference=None,
            tolerance=tolerances.of(of.coin, should.most),
            differs_since=None if before is None else before.differs_since,
            differed_at=None if before is None else before.differed_at,
            last_difference=None if before is None else before.last_difference,
            is_opened=is_opened,
        )
    found = _beyond(held.amount, min(one.least for one in said), max(one.most for one in said))
    opening = None
    if found > ZERO and not is_opened:
        opening, should = found, should._replace(noted=total([should.noted, found]))
        found = ZERO
    tolerance = tolerances.of(of.coin, should.most)
    since = None if before is None else before.differs_since
    return _judged(of, should, held, found, tolerance, since, now).model_copy(update={"opening": opening})


def with_noted(known: WalletComparison, amount: Decimal) -> WalletComparison:
    """The same comparison, once somebody has noted that so much moved besides."""
    should = known.should._replace(noted=total([known.noted, amount]))
    if known.held is None:
        return known.model_copy(update={"noted": should.noted})
    found = _beyond(known.held, should.least, should.most)
    return _judged(
        known.of, should, Held(known.held), found, known.tolerance, known.differs_since, known.compared_at
    ).model_copy(update={"opening": known.opening})


def movement_doubt(of: WalletCoin, last: WalletComparison | None, should: Should, amount: Decimal) -> str | None:
    """Why what somebody notes may be a slip, such as a digit too many, or what another has noted already; None if it
    brings the books nearer to what the wallet holds, or nobody knows what that is and it can have moved."""
    if last is not None and last.held is not None and last.difference is not None:
        found = with_noted(last, amount)
        if found.difference is None or found.standing is not Agreement.DIFFERS:
            return None
        if abs(found.difference) <= abs(last.difference):
            return None
        return (
            f"by the last comparison the wallet holds {format_amount(last.held)} {of.coin}, and the books would"
            f" differ by {format_amount(found.difference)} then, where they differ by"
            f" {format_amount(last.difference)} now"
        )
    most = total([should.most, amount])
    if amount >= ZERO or most >= ZERO:
        return None
    return f"by the books the wallet has held {format_amount(should.most)} {of.coin} at most"


def _judged(
    of: WalletCoin,
    should: Should,
    held: Held,
    found: Decimal,
    tolerance: Decimal,
    since: datetime | None,
    now: datetime,
) -> WalletComparison:
    standing = _agreement(found, tolerance)
    differs = standing is Agreement.DIFFERS
    return WalletComparison(
        wallet=of.wallet,
        coin=of.coin,
        **should.amounts,
        compared_at=now,
        standing=standing,
        held=held.amount,
        unknown_because=None,
        difference=found,
        tolerance=tolerance,
        differs_since=(since or now) if differs else None,
        differed_at=now if differs else None,
        last_difference=found if differs else None,
        is_opened=True,
    )


def _beyond(amount: Decimal, least: Decimal, most: Decimal) -> Decimal:
    """How far an amount lies beyond a range; nothing if it is within."""
    if amount > most:
        return difference(amount, most)
    return difference(amount, least) if amount < least else ZERO


def _agreement(found: Decimal, tolerance: Decimal) -> Agreement:
    if not found:
        return Agreement.AGREES
    return Agreement.WITHIN_TOLERANCE if abs(found) <= tolerance else Agreement.DIFFERS


def moment_of(zone: ZoneInfo, at: time, now: datetime) -> datetime:
    """When a clock of the zone showed that time last."""
    day = date_in(zone, now)
    today = datetime.combine(day, at, zone)
    return today if today <= now else datetime.combine(day - timedelta(days=1), at, zone)


def next_comparison_at(
    zone: ZoneInfo, at: time, last: datetime | None, began_at: datetime, now: datetime, *, is_settled: bool
) -> datetime:
    """When wallets are to be compared next: once a day, and again soon while something differs or is not known. Those
    that never were, when a clock shows that time for the first time after the bridge began."""
    daily = moment_of(zone, at, now)
    since = began_at if last is None else last
    if since < daily or is_ahead(since, now):
        return now
    tomorrow = datetime.combine(date_in(zone, daily) + timedelta(days=1), at, zone)
    if last is not None and not is_settled:
        return min(last + AGAIN_AFTER, tomorrow)
    return tomorrow
