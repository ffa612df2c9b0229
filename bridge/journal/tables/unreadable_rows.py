"""Unreadable rows: what is stored of a payment, payout or refund and cannot be read, because it was changed by hand
or a newer bridge wrote it. Whoever reads several rows goes past it, and it is noted for a person to look at."""

import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar

from pydantic import ValidationError
from sqlalchemy import Column, ColumnElement, Connection, Engine, RowMapping, String, Table, Text, exists

from bridge.journal.tables.column_types import UtcDateTime
from bridge.journal.tables.metadata import metadata
from coordinator.errors import BridgeError

__all__ = [
    "NotedRows",
    "RowKind",
    "StoredRow",
    "UnreadableRow",
    "UnreadableRowError",
    "all_read",
    "is_not_noted",
    "note_in",
    "read_or_note",
    "readable",
    "reading",
    "required",
    "unreadable_rows",
]

unreadable_rows = Table(
    "unreadable_rows",
    metadata,
    Column("kind", String(32), primary_key=True),
    Column("identifier", String(64), primary_key=True),
    Column("concerns", String(64), nullable=False, comment="The payment, payout or refund that it is of"),
    Column("reason", Text, nullable=False),
    Column("found_at", UtcDateTime, nullable=False),
    comment="Rows that could not be read, until they can: whoever takes up work in pages leaves them out",
)

T = TypeVar("T")
StoredRow = RowMapping | dict[str, Any]

# The execution option of an engine under which its connections find where to note what they cannot read.
_NOTED = "unreadable_rows_noted"
REASON_LIMIT = 300
# What a value is refused with that is not as the bridge writes it: also by Decimal, and where a column is missing.
_TROUBLES = (ValueError, TypeError, KeyError, ArithmeticError)


class RowKind(StrEnum):
    """What a row tells of."""

    PAYMENT = "payment"
    INVOICE = "invoice"
    OBSERVATION = "observation"
    PAYOUT = "payout"
    PAYOUT_OBSERVATION = "payout-observation"
    REFUND = "refund"


class UnreadableRow(NamedTuple):
    """A row that cannot be read."""

    kind: RowKind
    identifier: str
    concerns: str
    """The payment, payout or refund that it is of."""
    reason: str = ""
    """What is wrong with it."""
    created_at: datetime | None = None
    """When that began of which it tells, where lists go by it."""


class UnreadableRowError(BridgeError):
    """What is stored of something cannot be read."""

    def __init__(self, row: UnreadableRow) -> None:
        super().__init__(f"what is stored of {row.kind.replace('-', ' ')} {row.identifier} cannot be read")
        self.row = row


class NotedRows:
    """What was met since somebody took it, by any of the threads that read a journal."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._met: dict[tuple[RowKind, str], UnreadableRow] = {}

    def note(self, row: UnreadableRow) -> None:
        with self._lock:
            self._met.setdefault((row.kind, row.identifier), row)

    def take(self, limit: int) -> list[UnreadableRow]:
        """The first of them; what is left over is met again."""
        with self._lock:
            met, self._met = self._met, {}
        return list(met.values())[:limit]


def note_in(engine: Engine, noted: NotedRows) -> None:
    """Has whoever reads by the connections of an engine note there what they cannot read."""
    engine.update_execution_options(**{_NOTED: noted})


def is_not_noted(kind: RowKind, identifier: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether nothing is known to be wrong with a row, so that those that nobody can read take no place in a page."""
    return ~exists().where(unreadable_rows.c.kind == kind.value, unreadable_rows.c.identifier == identifier)


def readable(connection: Connection, read: Callable[[StoredRow], T], rows: Iterable[StoredRow]) -> list[T]:
    """What can be read of some rows; the others are noted."""
    found = (read_or_note(connection, read, row) for row in rows)
    return [one for one in found if not isinstance(one, UnreadableRow)]


def read_or_note(connection: Connection, read: Callable[[StoredRow], T], row: StoredRow) -> T | UnreadableRow:
    """A row as it is read; or, once that is noted, that it cannot be."""
    try:
        return read(row)
    except UnreadableRowError as error:
        _note(connection, error.row)
        return error.row


def required(connection: Connection, read: Callable[[StoredRow], T], row: StoredRow) -> T:
    """A row as it is read, for whoever can do nothing without it. Raises UnreadableRowError, once that is noted."""
    try:
        return read(row)
    except UnreadableRowError as error:
        _note(connection, error.row)
        raise


def all_read(found: Iterable[T | UnreadableRow]) -> list[T]:
    """What was read, for whoever needs all of it. Raises UnreadableRowError if something could not be."""
    return [_read(one) for one in found]


def _read(one: T | UnreadableRow) -> T:
    if isinstance(one, UnreadableRow):
        raise UnreadableRowError(one)
    return one


def _note(connection: Connection, row: UnreadableRow) -> None:
    noted: NotedRows | None = connection.get_execution_options().get(_NOTED)
    if noted is not None:
        noted.note(row)


def reading(
    kind: RowKind, named: str, concerns: str, begins: str | None = None
) -> Callable[[Callable[[StoredRow], T]], Callable[[StoredRow], T]]:
    """Has a function that reads a row say which row it cannot read, by the columns that say so."""

    def saying_which(read: Callable[[StoredRow], T]) -> Callable[[StoredRow], T]:
        def read_row(row: StoredRow) -> T:
            try:
                return read(row)
            except _TROUBLES as error:
                began_at = None if begins is None else row[begins]
                raise UnreadableRowError(
                    UnreadableRow(kind, str(row[named]), row[concerns], _reason(error), began_at)
                ) from None  # it would show what is stored

        return read_row

    return saying_which


def _reason(error: Exception) -> str:
    """What is wrong, without what is stored."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        return f"{'.'.join(map(str, (error.title, *first['loc'])))}: {first['msg']}"[:REASON_LIMIT]
    return f"it is no value that the bridge writes ({type(error).__name__})"
