"""Assignments: what transfers are for by what was written down of them before, and which of them are new. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from coordinator.payments.observed.transfers import Cause
from providers.onchain.blocks.transfers import ChainTransfer
from providers.onchain.matching.matching import (
    FITS_ANOTHER,
    NOBODYS_BEFORE,
    NOBODYS_TOLERANCE,
    OLDER,
    Match,
    Subject,
    Watched,
    is_of_before,
    match,
)
from providers.onchain.store import RecordedTransfer

__all__ = ["CAUSES", "Assignments", "claimed", "unrecorded"]

Name = tuple[str, str, str]
"""The `transfer_id`, the token's symbol and the recipient: what names a transfer on its chain."""


class Assignments:
    """Says of one transfer after the other what it is for, each seen in the light of those before it."""

    def __init__(self, found: Sequence[ChainTransfer], recorded: Sequence[RecordedTransfer]) -> None:
        """`found`: all that are to be assigned now, in the order of the chain."""
        self._known = _known(found, recorded)
        self._carried: dict[str, set[Subject]] = {}
        """By transaction, what transfers of it in the same block are for already."""
        for one in recorded:
            if one.subject is not None and (_is_of_blocks(one, found) or "#call" in one.transfer_id):
                self._carried.setdefault(one.tx_hash, set()).add(one.subject)

    def assign(self, transfer: ChainTransfer, mined_at: datetime, candidates: Sequence[Watched]) -> Match:
        """What it is for: as it was written down, or else as it matches."""
        carried = self._carried.setdefault(transfer.tx_hash, set())
        known = self._known.get(_name(transfer))
        found = match(transfer, mined_at, candidates, carried) if known is None else Match(known)
        if found.subject is not None:
            carried.add(found.subject)
        return found

    def is_known(self, transfer: ChainTransfer) -> bool:
        """Whether it was written down as somebody's."""
        return _name(transfer) in self._known

    def is_anothers(self, transfer: ChainTransfer, subject: Subject) -> bool:
        """Whether it was written down as something else's."""
        return self._known.get(_name(transfer), subject) != subject


COUNTED_ELSEWHERE = "it was counted for something else before"
CAUSES = {
    NOBODYS_BEFORE: Cause.UNDECIDED,
    COUNTED_ELSEWHERE: Cause.COUNTED_ELSEWHERE,
    OLDER: Cause.TOO_EARLY,
    FITS_ANOTHER: Cause.UNDECIDED,
}
"""What each is to a page of what `claimed` says."""


def claimed(
    watched: Watched,
    found: Sequence[ChainTransfer],
    mined_at: datetime,
    waiting: Sequence[Watched],
    recorded: Sequence[RecordedTransfer],
) -> tuple[list[ChainTransfer], str]:
    """Which transfers of a transaction that was followed before are for whoever claims it now, among all that wait at
    that address; and what is to be said if none is."""
    assigning = Assignments(found, recorded)
    matches = [(one, assigning.assign(one, mined_at, waiting)) for one in found]
    mine = [one for one, match in matches if match.subject == watched.subject]
    nobodys = {one.transfer_id for one in recorded if one.subject is None}
    is_before = mined_at < watched.since - NOBODYS_TOLERANCE
    if watched.subject.kind == "payment" and is_before:
        free = [one for one in mine if one.transfer_id not in nobodys or watched.is_given(one)]
        if mine and not free:
            return [], NOBODYS_BEFORE
        mine = free
    if not mine and all(assigning.is_anothers(one, watched.subject) for one in found):
        return [], COUNTED_ELSEWHERE
    own = next((one for one in waiting if one.subject == watched.subject), watched)
    if not mine and (is_of_before(mined_at, own) or all(match.reason == OLDER for _, match in matches)):
        return [], OLDER
    return mine, FITS_ANOTHER


def unrecorded(found: Sequence[ChainTransfer], recorded: Sequence[RecordedTransfer]) -> list[ChainTransfer]:
    """Those that were never written down, neither in this block nor, as the same of their transaction, in another."""
    known = {one.transfer_id for one in recorded}
    passed_on = _passed_on(found, recorded)
    return [one for one in found if one.transfer_id not in known and _name(one) not in passed_on]


def _known(found: Sequence[ChainTransfer], recorded: Sequence[RecordedTransfer]) -> Mapping[Name, Subject]:
    names = {(one.transfer_id, one.symbol, one.recipient): one.subject for one in recorded}
    known = {name: one.subject for name, one in _passed_on(found, recorded).items()}
    known |= {_name(one): names[_name(one)] for one in found if _name(one) in names}
    return {name: subject for name, subject in known.items() if subject is not None}


def _passed_on(found: Sequence[ChainTransfer], recorded: Sequence[RecordedTransfer]) -> dict[Name, RecordedTransfer]:
    """What was written down of the same transfers where they had other names: in another block that held their
    transaction, or by a bridge that counted them. Of one token to one recipient, each is the one at the same turn."""
    groups: dict[tuple[str, str, str], list[ChainTransfer]] = {}
    for transfer in found:
        groups.setdefault((transfer.tx_hash, transfer.token.symbol, transfer.recipient), []).append(transfer)
    passed_on: dict[Name, RecordedTransfer] = {}
    for group, transfers in groups.items():
        ids = {one.transfer_id for one in transfers}
        before = [one for one in recorded if (one.tx_hash, one.symbol, one.recipient) == group]
        others = sorted((one for one in before if not _is_of_blocks(one, transfers)), key=_order)
        named = {one.transfer_id for one in before} & ids
        if named:
            continue  # they were written down as they are now, as many as there were
        passed_on |= {_name(one): other for one, other in zip(transfers, others, strict=False)}
    return passed_on


def _is_of_blocks(recorded: RecordedTransfer, transfers: Sequence[ChainTransfer]) -> bool:
    """Whether its name says that it is in the same block as one of them."""
    return any(recorded.transfer_id.endswith(f"@{one.block.hash}") for one in transfers)


def _name(transfer: ChainTransfer) -> Name:
    return transfer.transfer_id, transfer.token.symbol, transfer.recipient


def _order(recorded: RecordedTransfer) -> tuple[int, ...]:
    """By which the transfers of one transaction are sorted as the chain has them, whoever named them."""
    place = recorded.transfer_id.partition("#")[2].partition("@")[0]
    return tuple(int(part) for part in place.removeprefix("call").split(".") if part)
