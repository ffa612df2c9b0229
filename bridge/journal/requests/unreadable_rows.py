"""Requests about rows that cannot be read: those that were met are noted, and those that can be read again hear of
what happened to their purchase requests meanwhile."""

from collections.abc import Sequence

from bridge.journal.requests.payments import catch_up
from bridge.journal.tables.unreadable_rows import RowKind, UnreadableRow
from bridge.journal.writing.batch import Batch

__all__ = ["replace_unreadable"]


def replace_unreadable(
    batch: Batch, again: Sequence[UnreadableRow], met: Sequence[UnreadableRow]
) -> Sequence[UnreadableRow]:
    """Notes what was met, and forgets what can be read again or is gone. Returns what was not noted before."""
    for row in again:
        if row.kind is RowKind.PAYMENT:
            catch_up(batch, row.identifier)
    return batch.unreadable.replace(again, met)
