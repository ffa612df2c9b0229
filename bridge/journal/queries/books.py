"""The books as they are read: entries by page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, or_, select

from bridge.journal.tables import schema
from bridge.journal.tables.rows import entry_from_row
from coordinator.books.entries import Entry

__all__ = ["BookFilter", "BookPlace", "ListedEntry", "entries"]

_ENTRIES = schema.book_entries


@dataclass(frozen=True, slots=True)
class BookFilter:
    """Which entries are wanted: all that fulfil what is given."""

    begins_at: datetime | None = None
    ends_at: datetime | None = None
    """The first moment that is not wanted any more."""
    seller_id: str | None = None


@dataclass(frozen=True, slots=True)
class BookPlace:
    """Where a page ended."""

    entered_at: datetime
    entry_id: int


@dataclass(frozen=True, slots=True)
class ListedEntry:
    """An entry of the books."""

    entry_id: int
    entered_at: datetime
    payment_id: str
    entry: Entry

    @property
    def place(self) -> BookPlace:
        return BookPlace(self.entered_at, self.entry_id)


def entries(connection: Connection, wanted: BookFilter, after: BookPlace | None, limit: int) -> list[ListedEntry]:
    """The entries that a filter wants, oldest first, from a place on."""
    found = select(_ENTRIES).where(*_conditions(wanted))
    if after is not None:
        # Said twice over, so that either database goes straight to the place in the index.
        found = found.where(
            _ENTRIES.c.entered_at >= after.entered_at,
            or_(_ENTRIES.c.entered_at > after.entered_at, _ENTRIES.c.entry_id > after.entry_id),
        )
    rows = connection.execute(found.order_by(_ENTRIES.c.entered_at, _ENTRIES.c.entry_id).limit(limit)).mappings()
    return [ListedEntry(row["entry_id"], row["entered_at"], row["payment_id"], entry_from_row(row)) for row in rows]


def _conditions(wanted: BookFilter) -> Sequence[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.begins_at is not None:
        conditions.append(_ENTRIES.c.entered_at >= wanted.begins_at)
    if wanted.ends_at is not None:
        conditions.append(_ENTRIES.c.entered_at < wanted.ends_at)
    if wanted.seller_id is not None:
        conditions.append(_ENTRIES.c.seller_id == wanted.seller_id)
    return conditions
