"""What a transfer is for: the payment that it pays, or the payout that it carries. A pure function: a wrong answer
here is somebody's money.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from coordinator.addresses import resembled
from providers.onchain.blocks.transfers import ChainTransfer

__all__ = [
    "DUST",
    "FITS_ANOTHER",
    "MANY_TRANSFERS",
    "NOBODYS_BEFORE",
    "NOBODYS_TOLERANCE",
    "OLDER",
    "Match",
    "Subject",
    "Watched",
    "is_dust",
    "is_of_before",
    "is_older",
    "match",
    "paid_already",
]

# The clocks of those who make blocks are not ours.
CLOCK_TOLERANCE = timedelta(minutes=1)
# What was nobody's already has less of it: a block says its time in whole seconds, and a little late.
NOBODYS_TOLERANCE = timedelta(seconds=5)
OLDER = "it was mined before the payment was registered"
NOBODYS_BEFORE = "it was nobody's when the payment was registered; a person has to tell whose it is"
FITS_ANOTHER = "it fits another one as well, or none alone; a person has to tell whose it is"


PAID_ALREADY = ", which has ended, was to pay; it may be paid twice"
DUST = "it is too little for a payment that has so many transfers already"
# Anybody can send dust to an address that is waited at, thousands of times for little. A payment with so many
# transfers takes only more that are at least such a part of what it asks for.
MANY_TRANSFERS = 100
DUST_SHARE = 1_000


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """What waits for a transfer."""

    kind: Literal["payment", "payout"]
    id: str


@dataclass(frozen=True, slots=True)
class Watched:
    """A payment or a payout that waits for a transfer."""

    subject: Subject
    recipient: str
    symbol: str
    units: int
    """What is to be paid, in base units."""
    since: datetime
    """When it was registered."""
    payer: str | None = None
    """Who is to send it, if that was said."""
    hints: frozenset[str] = frozenset()
    """Transactions that are said to carry it. A payment's buyer can say so of any transaction: no proof of anything.
    A payout's are its sender's own."""
    given: frozenset[str] = frozenset()
    """Those of a payment's that a person has found to pay it; with its place, where it is one transfer alone."""
    not_before: datetime | None = None
    """Of a payout, when the payment was registered that it pays."""
    claims: frozenset[str] = frozenset()
    """Those of its transactions that the blocks do not settle alone: hinted and not found yet, or found and gone."""
    seen: frozenset[str] = frozenset()
    """Those of the claims that a node has known."""
    is_open: bool = True
    """Whether it still waits for money; one that does not is paid by accident at most."""
    transfers: int = 0
    """How many are told of as its own already."""
    senders: frozenset[str] = frozenset()
    """Of a payout, the wallets that are to send it, or have."""

    def is_given(self, transfer: ChainTransfer) -> bool:
        """Whether a person has found that this transfer pays it."""
        return transfer.tx_hash in self.given or transfer.in_transaction in self.given

    def names(self, transfer: ChainTransfer) -> bool:
        """Whether its transaction is said to pay it. Once a person has said which of its transfers do, that holds for
        no other one."""
        return transfer.tx_hash in self.hints and not any(
            one.startswith(f"{transfer.tx_hash}#") for one in self.given
        )


@dataclass(frozen=True, slots=True)
class Match:
    """What a transfer is for, or why it cannot be told."""

    subject: Subject | None
    reason: str | None = None


def paid_already(reason: str | None) -> str | None:
    """The payout that a transfer may have paid once more, by why it is not known what it is for; None if none."""
    if reason is None or not reason.endswith(PAID_ALREADY):
        return None
    return reason.removesuffix(PAID_ALREADY).rpartition(" ")[2]


def is_older(mined_at: datetime, watched: Watched) -> bool:
    """Whether a transfer was there before anybody could have made it for this."""
    return mined_at < watched.since - CLOCK_TOLERANCE


def is_dust(transfer: ChainTransfer, watched: Watched, taken: int) -> bool:
    """Whether a transfer is too little to be one more for a payment to which `taken` others went just now."""
    is_little = transfer.units * DUST_SHARE < watched.units and not watched.is_given(transfer)
    return watched.subject.kind == "payment" and is_little and watched.transfers + taken >= MANY_TRANSFERS


def match(
    transfer: ChainTransfer,
    mined_at: datetime,
    candidates: Sequence[Watched],
    carried: Collection[Subject] = (),
) -> Match:
    """What a transfer is for, of the payments and payouts to its recipient. `carried` are those that another transfer
    of its transaction is for.

    A payout's transfer is of its transaction, and of its sender where that was told too; where only its sender was
    told, of that sender and of just that amount. What is older than a payment, or than a payout of which only the
    sender was told, is not for it: whoever follows a chain may be far behind.

    A recipient of one payment alone settles it, whatever the amount. Where several share one, the transfer is that
    payment's to which a person gave it, or whose payer sent it, or for which its transaction was hinted, or which
    asks for just this amount, if this leaves exactly one. A hint takes nothing that fits another one as well, and a
    payer nothing that is just the amount of a payment without one, whatever its own. Anything else is for a person to
    tell.
    """
    payout = _payout(transfer, mined_at, [one for one in candidates if one.subject.kind == "payout"], carried)
    if payout is not None:
        return Match(payout.subject)
    waiting = [one for one in candidates if one.subject.kind == "payout" or not is_older(mined_at, one)]
    if candidates and not waiting:
        return Match(None, OLDER)
    candidates = waiting
    payments = [one for one in candidates if one.subject.kind == "payment" and one.payer in (None, transfer.sender)]
    fitting = [one for one in payments if one.symbol == transfer.token.symbol]
    if not fitting:
        other = {one.symbol for one in payments}
        if other:
            return Match(None, f"it carries {transfer.token.symbol}, but {' or '.join(sorted(other))} is waited for")
        return Match(None, _of_nobody(transfer, mined_at, candidates) if candidates else "nobody waits for it")
    for narrowed in _narrowings(transfer, fitting):
        if len(narrowed) == 1:
            return Match(narrowed[0].subject)
    said = f"{len(fitting)} payments wait for money at this address, and it fits none of them alone"
    payer = _payer_alike(transfer, candidates)
    return Match(None, said if payer is None else f"{said}; its sender was made to look like {payer}")


def _payer_alike(transfer: ChainTransfer, candidates: Sequence[Watched]) -> str | None:
    """The payer of another one, whom the sender of a transfer may be mistaken for."""
    return resembled(transfer.sender, [one.payer for one in candidates if one.payer is not None])


def _of_nobody(transfer: ChainTransfer, mined_at: datetime, candidates: Sequence[Watched]) -> str:
    alike = next((one for one in candidates if _may_be_instead(transfer, one)), None)
    if alike is not None:
        return f"it is just what {alike.subject.id} is to pay by another transaction; name it there if it is instead"
    paid = [one for one in candidates if _is_as_much(transfer, one) and not is_of_before(mined_at, one)]
    # The transaction of one that is open may be named yet.
    if paid and not any(one.is_open for one in paid):
        newest = max(paid, key=lambda one: (one.since, one.subject))
        return f"it is just what {newest.subject.id}{PAID_ALREADY}"
    payer = _payer_alike(transfer, candidates)
    if payer is None:
        return "nobody waits for money of this sender"
    return f"its sender {transfer.sender} is not {payer}, whose money is waited for, and was made to look like it"


def _is_as_much(transfer: ChainTransfer, payout: Watched) -> bool:
    """Whether a transfer is just what a payout was to pay, by a wallet that was to pay it or did."""
    is_by = transfer.sender in payout.senders or (payout.is_open and not payout.senders)
    is_it = (payout.symbol, payout.units) == (transfer.token.symbol, transfer.units)
    return payout.subject.kind == "payout" and is_by and is_it


def _may_be_instead(transfer: ChainTransfer, payout: Watched) -> bool:
    """Whether a payout that waits for another transaction may have been sent by this one: wallets replace them."""
    is_named = payout.subject.kind == "payout" and payout.is_open and bool(payout.hints)
    return (
        is_named
        and payout.payer in (None, transfer.sender)
        and (payout.symbol, payout.units) == (transfer.token.symbol, transfer.units)
    )


def _payout(
    transfer: ChainTransfer, mined_at: datetime, payouts: Sequence[Watched], carried: Collection[Subject]
) -> Watched | None:
    of_token = sorted(
        (one for one in payouts if one.symbol == transfer.token.symbol), key=lambda one: (one.since, one.subject)
    )
    named = [
        one
        for one in of_token
        if transfer.tx_hash in one.hints and one.payer in (None, transfer.sender) and not is_of_before(mined_at, one)
    ]
    exact = [one for one in named if one.units == transfer.units]
    if len(named) == 1:
        return named[0]
    if exact:  # a transaction that carries several alike: one transfer for each, in order
        return next((one for one in exact if one.subject not in carried), exact[-1])
    expected = (
        one
        for one in of_token
        if not one.hints
        and one.payer == transfer.sender
        and one.units == transfer.units
        and one.is_open
        and not is_older(mined_at, one)
    )
    return next(expected, None)


def is_of_before(mined_at: datetime, payout: Watched) -> bool:
    """Whether a transfer was there before anybody could have owed the money of this payout."""
    return payout.not_before is not None and mined_at < payout.not_before - CLOCK_TOLERANCE


def _narrowings(transfer: ChainTransfer, fitting: Sequence[Watched]) -> Iterable[Sequence[Watched]]:
    yield [one for one in fitting if transfer.in_transaction in one.given]
    yield [one for one in fitting if transfer.tx_hash in one.given]
    yield fitting
    opened = [one for one in fitting if one.is_open]
    yield opened
    named = [one for one in opened if one.payer is not None]
    fits_others = any(one.units == transfer.units for one in opened if one.payer is None)
    if named and fits_others:
        return  # anybody can say whose wallet pays, also of as much
    yield named
    left = named or opened
    exact = [one for one in left if one.units == transfer.units]
    hinted = [one for one in left if one.names(transfer)]
    if not hinted:
        yield exact
    elif all(one in hinted for one in exact):
        # Two that claim one transaction are told apart by the amount, as those that claim none are.
        yield hinted
        yield exact
