"""Rows that PostgreSQL is given at once are there as they were given."""

from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, select
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from bridge.journal import Journal
from bridge.journal.database.engines import parse_database_url
from bridge.journal.tables import schema
from bridge.journal.writing.row_arrays import array_insert
from bridge.journal.writing.statements import insert_into, run
from tests.bridge.journal.conftest import NOW

TEXTS = (
    "",
    "NULL",
    "null",
    "{}",
    '{"a":["b\\\\","c"]}',
    "a,b",
    " a ",
    "\\",
    '"',
    '\\"',
    "a\nb\tc",
    "\u0416 \U0001f980",
    "'; --",
    "%s",
)


def event_row(number: int, text: str) -> dict[str, Any]:
    return {
        "offset": number,
        "name": text[:100],
        "everyone": number % 2 == 0,
        "rooms": text,
        "payload": text,
        "payment_id": None if number % 3 else text,
        "committed_at": NOW,
        "subject": text or None,
        "traceparent": text[:55] if number % 2 else None,
    }


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_rows_that_go_in_at_once_are_there_as_they_were_given(database_url: str) -> None:
    journal = await Journal.open(database_url)
    rows = [event_row(number, text) for number, text in enumerate(TEXTS, 1)]
    engine = create_engine(parse_database_url(database_url))
    with engine.begin() as connection:
        assert _is_at_once(connection, rows)
        run(connection, insert_into(schema.events), rows)
        found = connection.execute(select(schema.events).order_by(schema.events.c.offset)).mappings()
        assert [dict(row) for row in found] == rows
    engine.dispose()
    await journal.close()


def _is_at_once(connection: Connection, rows: list[dict[str, Any]]) -> bool:
    return array_insert(insert_into(schema.events), connection.dialect, tuple(rows[0])) is not None


@pytest.mark.parametrize("texts", [["a\0b", "c"], ["a", "b\0"], ["\0", None], ["\0", "\0"]])
def test_a_text_with_nul_which_postgresql_has_not_is_refused(texts: list[str | None]) -> None:
    dialect = PGDialect_psycopg()  # type: ignore[no-untyped-call]  # SQLAlchemy types it so
    at_once = array_insert(insert_into(schema.events), dialect, ("payload",))
    assert at_once is not None
    with pytest.raises(ValueError, match="NUL"):
        at_once.arguments([texts])


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_bytes_go_in_row_by_row(database_url: str) -> None:
    journal = await Journal.open(database_url)
    rows = [
        {"provider": "p", "digest": f"{number}", "body": b"\x00{,}", "reason": "none", "received_at": NOW}
        for number in range(2)
    ]
    engine = create_engine(parse_database_url(database_url))
    with engine.begin() as connection:
        run(connection, insert_into(schema.unreadable_webhooks), rows)
        bodies = connection.scalars(select(schema.unreadable_webhooks.c.body))
        assert [bytes(body) for body in bodies] == [b"\x00{,}"] * 2
    engine.dispose()
    await journal.close()
