"""New rows as PostgreSQL takes them at once: one statement whatever their number, with an array for each column. A
statement for each row costs the server and the bridge several times as much.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Insert,
    Integer,
    String,
    Table,
    TypeDecorator,
)

__all__ = ["ArrayInsert", "array_insert"]

Written = Callable[[Sequence[Any]], str]
"""Values, as they stand in an array's text."""
# Which PostgreSQL has in no text.
NUL = "\0"


def _texts(values: Sequence[str]) -> str:
    # All at once: one by one they cost half as much again.
    joined = NUL.join(values)
    if joined.count(NUL) >= len(values):
        raise ValueError("a text for PostgreSQL has the character NUL")
    return '"' + joined.replace("\\", "\\\\").replace('"', '\\"').replace(NUL, '","') + '"'


def _plain(values: Sequence[object]) -> str:
    return ",".join(map(str, values))


def _moments(values: Sequence[datetime]) -> str:
    return '"' + '","'.join([value.isoformat() for value in values]) + '"'


# PostgreSQL's own name of each kind, whatever its length: the column itself refuses what is too long for it.
_KINDS: Sequence[tuple[type[Any], str, Written]] = (
    (String, "text", _texts),
    (BigInteger, "bigint", _plain),
    (Integer, "integer", _plain),
    (Boolean, "boolean", _plain),
    (DateTime, "timestamptz", _moments),
)


class ArrayInsert(NamedTuple):
    """A statement that puts any number of rows into a table, and how its arrays are written."""

    text: str
    written: Sequence[Written]
    """Of each column."""

    def arguments(self, columns: Iterable[Sequence[Any]]) -> list[str]:
        """Of the values in each column."""
        return [_array(values, written) for values, written in zip(columns, self.written, strict=True)]


def _array(values: Sequence[Any], written: Written) -> str:
    first = values[0]
    # Of many columns all values are one and the same, such as the moment of a commit.
    if values.count(first) == len(values):
        text = ",".join(["NULL" if first is None else written([first])] * len(values))
    elif None in values:
        text = ",".join(["NULL" if value is None else written([value]) for value in values])
    else:
        text = written(values)
    return f"{{{text}}}"


@cache
def array_insert(statement: Insert, dialect: Dialect, names: tuple[str, ...]) -> ArrayInsert | None:
    """How rows with these columns go in at once; None where one of a column's kind is not written in arrays."""
    table = statement.table
    if not isinstance(table, Table) or statement.select is not None or not set(names) <= set(table.c.keys()):
        return None
    kinds = [_kind(table.c[name]) for name in names]
    known = [kind for kind in kinds if kind is not None]
    if len(known) < len(kinds):
        return None
    quote = dialect.identifier_preparer.quote
    columns = ", ".join(map(quote, names))
    arrays = ", ".join(f"${place}::{kind}[]" for place, (kind, _) in enumerate(known, 1))
    return ArrayInsert(
        f"INSERT INTO {dialect.identifier_preparer.format_table(table)} ({columns}) SELECT * FROM unnest({arrays})",  # noqa: S608 (names of our own)
        [written for _, written in known],
    )


def _kind(column: Column[Any]) -> tuple[str, Written] | None:
    type_ = column.type.impl if isinstance(column.type, TypeDecorator) else column.type
    return next(((name, written) for kind, name, written in _KINDS if isinstance(type_, kind)), None)
