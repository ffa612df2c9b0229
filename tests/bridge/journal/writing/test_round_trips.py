"""What a bridge says to PostgreSQL, message by message as libpq writes it down: how often it waits for an answer, and
how many statements that takes."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from bridge.journal import Journal
from bridge.journal.records.histories import HistoryRecords
from bridge.journal.records.nodes import NodeRecords
from tests.bridge.journal.sales import observe, payment, snapshot

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

# Each is answered before anything more is said, however much came before it.
WAITS = ("Query", "Sync")
# psycopg prepares what it was asked so often.
WARM = 6
# Of a batch, besides: to begin it, to look up, to put rows into each table, and entries behind those that are there,
# to count it, to tell of it, to commit it.
STATEMENTS = 13


@contextmanager
def said_to(driver: Any, file: Path) -> Iterator[Counter[str]]:
    """Counts the kinds of messages that a connection sends meanwhile."""
    said: Counter[str] = Counter()
    with file.open("wb") as trace:
        driver.pgconn.trace(trace.fileno())
        try:
            yield said
        finally:
            driver.pgconn.untrace()
    said.update(re.findall(r"\tF\t\d+\t(\w+)", file.read_text()))


def writers(journal: Journal) -> Any:
    """The driver's connection of a journal's writer."""
    connection = journal._writer._connection
    assert connection is not None
    return connection.connection.driver_connection


async def test_a_batch_waits_three_times_however_much_is_in_it(database_url: str, tmp_path: Path) -> None:
    journal = await Journal.open(database_url, is_shared=True)
    beside = await Journal.open(database_url, is_shared=True)

    async def pay(first: int, count: int) -> Counter[str]:
        numbers = range(first, first + count)
        await asyncio.gather(*(beside.register_payment(payment(number)) for number in numbers))
        if journal._writer._connection is None:
            await journal.check()
        before = journal._writer.batches
        with said_to(writers(journal), tmp_path / "said") as said:
            told = await asyncio.gather(
                *(observe(journal, number, f"paid-{number}", snapshot(f"0x{number}")) for number in numbers)
            )
        assert set(told) == {"applied"}
        assert journal._writer.batches == before + 1
        return said

    for turn in range(WARM):
        for count in (1, 8, 16):
            await pay(1_000 * turn + 100 * count, count)
    one, few, many = await pay(10_000, 1), await pay(20_000, 8), await pay(30_000, 16)
    assert [sum(said[kind] for kind in WAITS) for said in (one, few, many)] == [3, 3, 3]
    # One statement more for each payment that is moved: rows are changed one by one, and put in together.
    assert many["Execute"] - few["Execute"] == 8
    assert few["Execute"] == 8 + STATEMENTS
    await journal.close()
    await beside.close()


async def test_one_that_has_nothing_to_do_says_so_by_a_few_statements(database_url: str, tmp_path: Path) -> None:
    journal = await Journal.open(database_url, is_shared=True)
    nodes: NodeRecords = journal.nodes
    leases = [f"work-{number}" for number in range(8)]
    for _ in range(WARM):
        await nodes.take(leases, timedelta(seconds=8))
    with said_to(writers(journal), tmp_path / "said") as said:
        assert await nodes.take(leases, timedelta(seconds=8)) == leases
    assert sum(said[kind] for kind in WAITS) <= 4
    assert said["Execute"] <= 11
    await journal.close()


async def test_a_look_how_far_the_journal_is_takes_three_queries_and_no_transaction(
    database_url: str, tmp_path: Path
) -> None:
    journal = await Journal.open(database_url, is_shared=True)
    said = await journal._read(_said_to_look, journal.history, tmp_path / "said")
    assert sum(said[kind] for kind in WAITS) == said["Execute"] == 3
    await journal.close()


def _said_to_look(connection: Connection, history: HistoryRecords, file: Path) -> Counter[str]:
    for _ in range(WARM):
        history._checked(connection)
    driver: Any = connection.connection.driver_connection
    with said_to(driver, file) as said:
        history._checked(connection)
    return said
