"""Statements that SQLAlchemy makes once and the driver runs for many rows: to make one costs as much as to run it,
and what SQLAlchemy does for each run costs more than what the database does. Those that need not wait for each other
go to PostgreSQL together, and their answers come back together. Errors are those of the driver.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from functools import cache, partial
from operator import itemgetter
from typing import Any, NamedTuple

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
from bridge.journal.database.pipelining import Said, numbered_dialect, pipelined
from bridge.journal.tables.column_types import UtcDateTime
from bridge.journal.writing.row_arrays import array_insert

__all__ = [
    "InOrder",
    "LookUp",
    "Row",
    "Staged",
    "Writing",
    "entered_too",
    "first_known",
    "insert_into",
    "look_up",
    "moment_of",
    "numbered",
    "padded",
    "records",
    "rows_found",
    "rows_of_each",
    "run",
    "run_all",
]

Row = dict[str, Any]
"""Values by the names of a statement's parameters."""
Writing = Insert | Update | Delete


class InOrder(NamedTuple):
    """Rows whose values are the driver's already, in the order of some of a statement's parameters: of what every
    webhook writes. In rows by names each value is looked for, and looked at."""

    statement: Writing
    names: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]


Staged = tuple[Writing | Select[Any], Sequence[Row]] | InOrder
"""A statement, and the rows that it is to be run for."""
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


def moment_of(connection: Connection, at: datetime) -> Any:
    """A moment as the driver has it."""
    process = _moments(common_dialect(connection.dialect))
    return at if process is None else process(at)


@cache
def _moments(dialect: Dialect) -> Callable[[datetime], Any] | None:
    return UtcDateTime().dialect_impl(dialect).bind_processor(dialect)


def run_all(connection: Connection, staged: Iterable[Staged], *, commits: bool = False) -> None:
    """Runs some statements, one after the other, each for rows of its own. `commits` has PostgreSQL commit with the
    last of them; whoever began the transaction commits it in any other case."""
    dialect = common_dialect(connection.dialect)
    if dialect.name == "postgresql":
        said: list[Said] = []
        for each in staged:
            said += _said_in_order(each, dialect) if isinstance(each, InOrder) else _said(*each, dialect)
        if commits:
            said.append(("COMMIT", ()))
        if said:
            pipelined(connection, said)
        return
    with closing(connection.connection.cursor()) as cursor:
        for each in staged:
            if isinstance(each, InOrder):
                if each.rows:
                    text, placed = _placed(each.statement, dialect, each.names)
                    cursor.executemany(text, each.rows if placed is None else list(map(placed, each.rows)))
                continue
            statement, rows = each
            if rows:
                text, arguments_of = _compiled(statement, dialect, tuple(rows[0]))
                cursor.executemany(text, arguments_of(rows))


def _said(statement: Writing | Select[Any], rows: Sequence[Row], dialect: Dialect) -> Sequence[Said]:
    """What is said to PostgreSQL of a statement: of new rows as little as can be."""
    if not rows:
        return ()
    names = tuple(rows[0])
    at_once = array_insert(statement, dialect, names) if len(rows) > 1 and isinstance(statement, Insert) else None
    if at_once is not None:
        return [(at_once.text, at_once.arguments([row[name] for row in rows] for name in names))]
    text, arguments_of = _compiled(statement, numbered_dialect(dialect), names)
    return [(text, arguments) for arguments in arguments_of(rows)]


def _said_in_order(staged: InOrder, dialect: Dialect) -> Sequence[Said]:
    """The same of rows in order."""
    statement, names, rows = staged
    at_once = array_insert(statement, dialect, names) if len(rows) > 1 and isinstance(statement, Insert) else None
    if at_once is not None:
        return [(at_once.text, at_once.arguments(zip(*rows, strict=True)))]
    text, placed = _placed(statement, numbered_dialect(dialect), names)
    return [(text, row if placed is None else placed(row)) for row in rows]


@cache
def _placed(
    statement: Writing, dialect: Dialect, names: tuple[str, ...]
) -> tuple[str, Callable[[tuple[Any, ...]], tuple[Any, ...]] | None]:
    """A statement in the words of a driver, and what puts a row's values where it has them; None where they are."""
    compiled = statement.compile(dialect=dialect, column_keys=list(names))
    order = tuple(compiled.positiontup or ())
    return str(compiled), None if order == names else itemgetter(*map(names.index, order))


class LookUp(NamedTuple):
    """A query, and who is told what it finds."""

    statement: Select[Any]
    parameters: Row
    take_rows: Callable[[list[tuple[Any, ...]]], object]
    """Is given all columns of what is found, as the driver has them."""


def look_up(connection: Connection, wanted: Sequence[LookUp]) -> None:
    """Asks several things at once."""
    found = rows_of_each(connection, [(one.statement, one.parameters) for one in wanted])
    for one, rows in zip(wanted, found, strict=True):
        one.take_rows(rows)


def rows_found(connection: Connection, statement: Select[Any], parameters: Row) -> list[tuple[Any, ...]]:
    """All columns of what a query finds, as the driver has them."""
    return rows_of_each(connection, [(statement, parameters)])[0]


def rows_of_each(
    connection: Connection, queries: Sequence[tuple[Select[Any], Row]], *, first: str | None = None
) -> list[list[tuple[Any, ...]]]:
    """The same of several queries, in their order. `first` is what is said to PostgreSQL before them."""
    dialect = common_dialect(connection.dialect)
    if dialect.name == "postgresql":
        said: list[Said] = [] if first is None else [(first, ())]
        for statement, parameters in queries:
            said += _said(statement, [parameters], dialect)
        return pipelined(connection, said)[first is not None :] if said else []
    found: list[list[tuple[Any, ...]]] = []
    with closing(connection.connection.cursor()) as cursor:
        for statement, parameters in queries:
            text, arguments_of = _compiled(statement, dialect, tuple(parameters))
            cursor.execute(text, arguments_of([parameters])[0] if parameters else ())
            found.append(list(cursor.fetchall()))
    return found


def records(connection: Connection, statement: Select[Any], rows: Sequence[Sequence[Any]]) -> list[Row]:
    """Rows as the driver has them, by the names of their columns and as SQLAlchemy has their values."""
    names, processors = _columns(statement, common_dialect(connection.dialect))
    found = [dict(zip(names, row, strict=True)) for row in rows]
    for name, process in processors.items():
        for one in found:
            one[name] = process(one[name])
    return found


@cache
def _columns(statement: Select[Any], dialect: Dialect) -> tuple[Sequence[str], Processors]:
    """The names of what a query finds, and what makes values of the driver's where that is needed."""
    processors: dict[str, Callable[[Any], Any]] = {}
    columns = statement.selected_columns
    for column in columns:
        process = column.type.dialect_impl(dialect).result_processor(dialect, None)
        if process is not None:
            processors[column.name] = process
    return [column.name for column in columns], processors


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
    return str(compiled), partial(_in_order, compiled.positiontup or (), processors)


def _in_order(order: Sequence[str], processors: Processors, rows: Sequence[Row]) -> list[Any]:
    values: Iterable[tuple[Any, ...]]
    values = map(itemgetter(*order), rows) if len(order) > 1 else [tuple(map(row.__getitem__, order)) for row in rows]
    if not processors:
        return list(values)
    columns: list[Sequence[Any]] = list(zip(*values, strict=True))
    processed: dict[str, Sequence[Any]] = {}  # some stand in a statement several times
    for place, name in enumerate(order):
        if name in processors:
            if name not in processed:
                processed[name] = _each(processors[name], columns[place])
            columns[place] = processed[name]
    return list(zip(*columns, strict=True))


def _each(process: Callable[[Any], Any], values: Sequence[Any]) -> Sequence[Any]:
    """The driver's values of a column, of which many are one and the same, such as the moment of a commit."""
    if values.count(values[0]) == len(values):
        return [process(values[0])] * len(values)
    known = {value: process(value) for value in set(values)}
    return [known[value] for value in values]


@cache
def numbered(count: int) -> Sequence[str]:
    """Names for so many parameters of one statement."""
    return [f"number_{number}" for number in range(count)]


def padded(values: Collection[str]) -> dict[str, str]:
    """Values by `numbered` names; the last again and again, so that there are few lengths of such lists, and
    statements that are made once serve for any. At least one value is needed."""
    known = list(values)
    count = 1 << (len(known) - 1).bit_length()
    return dict(zip(numbered(count), known + known[-1:] * (count - len(known)), strict=True))
