"""Statements that SQLAlchemy makes once and the driver runs for many rows: to make one costs as much as to run it,
and what SQLAlchemy does for each run costs more than what the database does. Errors are those of the driver.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import closing
from functools import cache, partial
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    Case,
    Column,
    Connection,
    Delete,
    Dialect,
    Insert,
    Select,
    Table,
    Update,
    bindparam,
    case,
    func,
    insert,
)
from sqlalchemy.sql.functions import Function

from bridge.journal.database.engines import common_dialect

__all__ = [
    "Row",
    "Writing",
    "entered_too",
    "first_known",
    "found",
    "insert_into",
    "numbered",
    "padded",
    "rows_found",
    "run",
    "run_all",
]

Row = dict[str, Any]
"""Values by the names of a statement's parameters."""
Writing = Insert | Update | Delete
Processors = Mapping[str, Callable[[Any], Any]]
"""What makes the driver's values of those parameters that need it."""


def first_known(column: Column[Any]) -> Function[Any]:
    """For an update: what stands in a column, or what is new if nothing does."""
    return func.coalesce(column, bindparam(f"new_{column.name}", type_=column.type))


def entered_too(table: Table) -> Case[Any]:
    """For an update whose change is entered in the books: up to when they have the row. Where they lacked something
    before, they lack it still."""
    return case(
        (table.c.entered_at == table.c.updated_at, bindparam("new_updated_at", type_=table.c.updated_at.type))
    )


@cache
def insert_into(table: Table) -> Insert:
    """Puts whole rows into a table."""
    return insert(table)


def run(connection: Connection, statement: Writing, rows: Sequence[Row]) -> None:
    """Runs a statement for each of some rows, which all have the same names."""
    run_all(connection, [(statement, rows)])


def run_all(connection: Connection, staged: Iterable[tuple[Writing, Sequence[Row]]]) -> None:
    """Runs some statements, one after the other, each for rows of its own."""
    dialect = common_dialect(connection.dialect)
    with closing(connection.connection.cursor()) as cursor:
        for statement, rows in staged:
            if rows:
                text, arguments_of = _compiled(statement, dialect, tuple(rows[0]))
                cursor.executemany(text, arguments_of(rows))


def found(connection: Connection, statement: Select[Any], parameters: Row) -> list[Any]:
    """The first column of what a query finds, as the driver has it: for text, say."""
    return [row[0] for row in rows_found(connection, statement, parameters)]


def rows_found(connection: Connection, statement: Select[Any], parameters: Row) -> list[tuple[Any, ...]]:
    """All columns of what a query finds, as the driver has them."""
    text, arguments_of = _compiled(statement, common_dialect(connection.dialect), tuple(parameters))
    with closing(connection.connection.cursor()) as cursor:
        cursor.execute(text, arguments_of([parameters])[0])
        return list(cursor.fetchall())


@cache
def _compiled(
    statement: Writing | Select[Any], dialect: Dialect, names: tuple[str, ...]
) -> tuple[str, Callable[[Sequence[Row]], list[Any]]]:
    """A statement in the words of a driver, and what makes the driver's arguments of rows."""
    compiled = statement.compile(dialect=dialect, column_keys=list(names))
    processors: dict[str, Callable[[Any], Any]] = {}
    for name, parameter in compiled.binds.items():
        process = parameter.type.dialect_impl(dialect).bind_processor(dialect)
        if process is not None:
            processors[name] = process
    if compiled.positiontup is None:
        return str(compiled), partial(_by_name, processors)
    return str(compiled), partial(_in_order, compiled.positiontup, processors)


def _by_name(processors: Processors, rows: Sequence[Row]) -> list[Any]:
    if not processors:
        return list(rows)
    columns = {name: _each(process, [row[name] for row in rows]) for name, process in processors.items()}
    return [row | {name: column[place] for name, column in columns.items()} for place, row in enumerate(rows)]


def _in_order(order: Sequence[str], processors: Processors, rows: Sequence[Row]) -> list[Any]:
    values_of = itemgetter(*order) if len(order) > 1 else lambda row: tuple(row[name] for name in order)
    values = map(values_of, rows)
    if not processors:
        return list(values)
    columns: list[Sequence[Any]] = list(zip(*values, strict=True))
    for place, name in enumerate(order):
        if name in processors:
            columns[place] = _each(processors[name], columns[place])
    return list(zip(*columns, strict=True))


def _each(process: Callable[[Any], Any], values: Sequence[Any]) -> Sequence[Any]:
    """The driver's values of a column, of which many are one and the same, such as the moment of a commit."""
    if values.count(values[0]) == len(values):
        return [process(values[0])] * len(values)
    known = {value: process(value) for value in set(values)}
    return [known[value] for value in values]


def numbered(count: int) -> list[str]:
    """Names for so many parameters of one statement."""
    return [f"number_{number}" for number in range(count)]


def padded(values: Collection[str]) -> dict[str, str]:
    """Values by `numbered` names; the last again and again, so that there are few lengths of such lists, and
    statements that are made once serve for any. At least one value is needed."""
    known = list(values)
    count = 1 << (len(known) - 1).bit_length()
    return dict(zip(numbered(count), known + known[-1:] * (count - len(known)), strict=True))
