"""Which payment a transfer pays. A pure function: a wrong answer here is somebody's money."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from providers.onchain.transfers import ChainTransfer

__all__ = ["Match", "Watched", "match"]


@dataclass(frozen=True, slots=True)
class Watched:
    """A payment that waits for a transfer."""

    payment_id: str
    recipient: str
    symbol: str
    units: int
    """What is to be paid, in base units."""
    payer: str | None = None
    """Who is to send it, if that was said."""
    hints: frozenset[str] = frozenset()
    """Transactions that its buyer says carry it. Anybody can say so of any transaction: no proof of anything."""
    is_open: bool = True
    """Whether it still waits for money; one that does not is paid by accident at most."""


@dataclass(frozen=True, slots=True)
class Match:
    """The payment that a transfer pays, or why it cannot be told."""

    payment_id: str | None
    reason: str | None = None


def match(transfer: ChainTransfer, candidates: Sequence[Watched]) -> Match:
    """Which of the payments to the transfer's recipient it pays.

    A recipient of one payment alone settles it, whatever the amount. Where several share one, the transfer is that
    payment's for which its transaction was hinted, or whose payer sent it, or which asks for just this amount, if
    this leaves exactly one. Anything else is for a person to tell.
    """
    fitting = [
        one for one in candidates if one.symbol == transfer.token.symbol and one.payer in (None, transfer.sender)
    ]
    if not fitting:
        other = {one.symbol for one in candidates if one.payer in (None, transfer.sender)}
        if other:
            return Match(None, f"it carries {transfer.token.symbol}, but {' or '.join(sorted(other))} is waited for")
        return Match(None, "nobody waits for money of this sender" if candidates else "nobody waits for it")
    for narrowed in _narrowings(transfer, fitting):
        if len(narrowed) == 1:
            return Match(narrowed[0].payment_id)
    return Match(None, f"{len(fitting)} payments wait for money at this address, and it fits none of them alone")


def _narrowings(transfer: ChainTransfer, fitting: Sequence[Watched]) -> Iterable[Sequence[Watched]]:
    yield fitting
    opened = [one for one in fitting if one.is_open]
    yield opened
    hinted = [one for one in opened if transfer.tx_hash in one.hints]
    yield hinted
    # Two that claim one transaction are told apart by the amount, as those that claim none are.
    named = [one for one in (hinted or opened) if one.payer is not None]
    yield named
    yield [one for one in (named or hinted or opened) if one.units == transfer.units]
