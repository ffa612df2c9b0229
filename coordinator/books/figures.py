"""Figures: what entries come to, for a day, for a month and for a seller, by one rule. Pure.

Sales count on the day on which they are completed, refunds on the day on which they arrive: what has been closed does
not change any more.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from pydantic import Field

from coordinator.books.entries import Entry, EntryKind
from coordinator.models import FrozenModel
from coordinator.money import ZERO, SignedAmount, decimals_of, difference, in_scale_of, product, total

__all__ = ["FeeFigures", "Figures", "SellerFigures", "Sum", "fee_figures", "figures", "owed_by"]


class Sum(NamedTuple):
    """What entries of one kind come to."""

    payments: int
    """Of how many payments they are."""
    amount: Decimal


class SellerFigures(FrozenModel):
    """What the entries of some time come to for a seller, in one currency."""

    sales_count: int = Field(description="Of how many payments there were sales.")
    sales: SignedAmount = Field(description="What was agreed for the goods, of payments that were completed then.")
    refunds_count: int
    refunds: SignedAmount = Field(description="What of sales, whenever those were, has arrived at buyers again.")
    net_sales: SignedAmount = Field(description="Sales less refunds.")
    shortfall: SignedAmount = Field(description="What of the sales did not come, and was taken as paid.")
    covered: SignedAmount = Field(
        description="What of the shortfall the marketplace bears: a person took the payments as paid, and sellers "
        "are owed the whole amount."
    )
    payouts_count: int
    payouts: SignedAmount = Field(description="What has arrived at sellers.")
    owed: SignedAmount = Field(
        description="By how much more is owed to sellers: net sales less shortfall and payouts, plus what is covered."
    )


class Figures(SellerFigures):
    """What the entries of some time come to, in one currency."""

    received: SignedAmount = Field(description="What buyers have paid in all.")
    fees: SignedAmount = Field(description="What of that came for the gateway's fee.")
    excess: SignedAmount = Field(description="What of that came too much.")
    unsold: SignedAmount = Field(
        description="What of that is for nothing that was sold: received less fees, excess and sales, plus "
        "shortfall; less than zero where what had come before was sold then."
    )
    sent_back: SignedAmount = Field(description="What of too much or unsold has arrived at buyers again.")
    held: SignedAmount = Field(
        description="By how much more is held: received less refunds, payouts and what was sent back; the same as "
        "owed, fees, excess and unsold less what was sent back and what is covered."
    )


class FeeFigures(FrozenModel):
    """What the network took for payouts and refunds out of one wallet, in one coin."""

    fees_count: int = Field(description="For payouts and refunds of how many payments it took them.")
    fees: SignedAmount = Field(description="What it took, as the chains say.")
    unknown_count: int = Field(description="Of how many payments some were sent where nobody says what it took.")
    sent_unknown: SignedAmount = Field(
        description="How much of the coin was sent where nobody says what the network took, of this coin or another."
    )


_NOTHING = Sum(0, ZERO)
# What makes more owed to sellers, and what less.
_OWED = {
    EntryKind.SALE: 1,
    EntryKind.SHORTFALL: -1,
    EntryKind.COVERED: 1,
    EntryKind.REFUND: -1,
    EntryKind.PAYOUT: -1,
}


def owed_by(entry: Entry) -> Decimal:
    """By how much more is owed to its seller."""
    return product(entry.amount, Decimal(_OWED.get(entry.account.kind, 0)))


def fee_figures(sums: Mapping[EntryKind, Sum]) -> FeeFigures:
    """What sums of each kind come to, of what the network took."""
    fees, unknown = (sums.get(kind, _NOTHING) for kind in (EntryKind.NETWORK_FEE, EntryKind.FEE_UNKNOWN))
    return FeeFigures(
        fees_count=fees.payments,
        fees=fees.amount,
        unknown_count=unknown.payments,
        sent_unknown=unknown.amount,
    )


def figures(sums: Mapping[EntryKind, Sum]) -> Figures:
    """What sums of each kind come to, all in the scale of the sales."""
    count = {kind: sums.get(kind, _NOTHING).payments for kind in EntryKind}
    of = {kind: sums.get(kind, _NOTHING).amount for kind in EntryKind}
    sales, refunds, shortfall, covered, payouts = (
        of[kind]
        for kind in (EntryKind.SALE, EntryKind.REFUND, EntryKind.SHORTFALL, EntryKind.COVERED, EntryKind.PAYOUT)
    )
    received, fees, excess, sent_back = (
        of[kind] for kind in (EntryKind.RECEIVED, EntryKind.FEE, EntryKind.EXCESS, EntryKind.SENT_BACK)
    )
    amounts = {
        "sales": sales,
        "refunds": refunds,
        "net_sales": difference(sales, refunds),
        "shortfall": shortfall,
        "covered": covered,
        "payouts": payouts,
        "owed": difference(total([sales, covered]), total([refunds, shortfall, payouts])),
        "received": received,
        "fees": fees,
        "excess": excess,
        "unsold": difference(total([received, shortfall]), total([sales, fees, excess])),
        "sent_back": sent_back,
        "held": difference(received, total([refunds, sent_back, payouts])),
    }
    scale = max(sales, refunds, payouts, key=decimals_of)
    return Figures(
        sales_count=count[EntryKind.SALE],
        refunds_count=count[EntryKind.REFUND],
        payouts_count=count[EntryKind.PAYOUT],
        **{name: in_scale_of(scale, amount) for name, amount in amounts.items()},
    )
