"""What is said to PostgreSQL in one piece is answered in order, and after a failure the connection serves on."""

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import Connection, create_engine

from bridge.journal import Journal
from bridge.journal.database.engines import connection_settings, parse_database_url
from bridge.journal.database.pipelining import pipelined

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

LARGE = "x" * 3_000_000
"""More than the system takes of one side while the other does not read."""


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    url = parse_database_url(database_url)
    engine = create_engine(url, connect_args=connection_settings(url))
    with engine.connect() as opened:
        yield opened
    engine.dispose()


def test_each_is_answered_in_its_place(connection: Connection) -> None:
    said = [("SELECT $1::int, $2::text", (1, "one")), ("SELECT 2 WHERE false", ()), ("SELECT $1::int", (None,))]
    for _ in range(3):  # as it was prepared the first time
        assert pipelined(connection, said) == [[(1, "one")], [], [(None,)]]


def test_what_is_large_goes_both_ways(connection: Connection) -> None:
    found = pipelined(connection, [("SELECT $1::text", (LARGE,))] * 8)
    assert [[len(text) for (text,) in rows] for rows in found] == [[len(LARGE)]] * 8


def test_what_follows_a_failure_is_not_carried_out(connection: Connection) -> None:
    pipelined(connection, [("CREATE TEMPORARY TABLE told (number int UNIQUE)", ())])
    connection.connection.driver_connection.commit()  # type: ignore[union-attr]
    tell = "INSERT INTO told VALUES ($1)"
    with pytest.raises(psycopg.errors.UniqueViolation):
        pipelined(connection, [(tell, (1,)), (tell, (1,)), ("DELETE FROM told", ()), ("COMMIT", ())])
    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        pipelined(connection, [(tell, (2,))])
    connection.connection.driver_connection.rollback()  # type: ignore[union-attr]
    assert pipelined(connection, [(tell, (3,)), ("SELECT number FROM told", ()), ("COMMIT", ())])[1] == [(3,)]


def test_what_is_no_value_is_refused_before_anything_is_said(connection: Connection) -> None:
    pipelined(connection, [("CREATE TEMPORARY TABLE told (word text)", ())])
    tell = "INSERT INTO told VALUES ($1)"
    with pytest.raises(psycopg.DataError):
        pipelined(connection, [(tell, ("before",)), (tell, ("a\x00b",))])
    assert pipelined(connection, [("SELECT word FROM told", ())]) == [[]]


def test_a_server_that_ends_the_connection_is_an_error_of_the_drivers(connection: Connection) -> None:
    with pytest.raises(psycopg.OperationalError):
        pipelined(connection, [("SELECT pg_terminate_backend(pg_backend_pid())", ()), ("SELECT 1", ())])
    with pytest.raises(psycopg.OperationalError):
        pipelined(connection, [("SELECT 1", ())])
    connection.invalidate()


async def test_a_transaction_begins_as_the_server_is_asked_to(database_url: str) -> None:
    """Also where what is said in it is prepared for the first time, which looks at the database already."""
    journal = await Journal.open(database_url)
    await journal.close()
    url = parse_database_url(database_url)
    engine = create_engine(url, connect_args={"options": "-c default_transaction_isolation=serializable"})
    with engine.connect() as opened:
        opened.connection.driver_connection.autocommit = True  # type: ignore[union-attr]
        begin = ("BEGIN ISOLATION LEVEL READ COMMITTED", ())
        found = pipelined(opened, [begin, ("SELECT current_setting('transaction_isolation')", ()), ("COMMIT", ())])
        assert found[1] == [("read committed",)]
    engine.dispose()
