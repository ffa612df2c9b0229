"""Rewriting of what stands in a column, as migrations do it: some rows at a time, and only those that it changes."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

__all__ = ["compact", "pages", "rewrite", "rewrite_json"]

Json = dict[str, Any]

PAGE = 1_000


def compact(document: Json) -> str:
    """JSON as the journal keeps it."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def pages(table: sa.TableClause, key: str) -> Iterator[Sequence[sa.Row[Any]]]:
    """All rows of a table in the order of their keys, some at a time."""
    identifier, after = table.c[key], None
    while True:
        statement = sa.select(table).order_by(identifier).limit(PAGE)
        if after is not None:
            statement = statement.where(identifier > after)
        rows = op.get_bind().execute(statement).all()
        if not rows:
            return
        yield rows
        after = rows[-1]._mapping[key]


def rewrite(table: sa.TableClause, key: str, column: str, change: Callable[[str, sa.Row[Any]], str]) -> None:
    """Changes the text of a column, where there is some."""
    writing = table.update().where(table.c[key] == sa.bindparam("by_key")).values({column: sa.bindparam("new_text")})
    for rows in pages(table, key):
        changed = [
            {"by_key": row._mapping[key], "new_text": after}
            for row in rows
            if (before := row._mapping[column]) is not None and (after := change(before, row)) != before
        ]
        if changed:
            op.get_bind().execute(writing, changed)


def rewrite_json(table: sa.TableClause, key: str, column: str, change: Callable[[Json, sa.Row[Any]], Json]) -> None:
    """Changes the JSON of a column, where there is some."""

    def changed(text: str, row: sa.Row[Any]) -> str:
        before: Json = json.loads(text)
        after = change(before, row)
        return text if after == before else compact(after)

    rewrite(table, key, column, changed)
