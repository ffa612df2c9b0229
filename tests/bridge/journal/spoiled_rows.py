"""Rows that say something else for a while, as somebody's hand beside the bridge would have them."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from sqlalchemy import create_engine, text

from bridge.journal import Journal
from bridge.journal.database.engines import parse_database_url
from tests.clock import Clock

__all__ = ["SPOILED", "reopened", "spoiled", "spoiled_payment", "spoiled_payout"]

# By hand, cut short; by a bridge that knows a fact more; and out of another table.
SPOILED = ('{"booked": [', '{"factOfTomorrow": 1}', "[]")


@contextmanager
def spoiled(url: str, table: str, key: str, identifier: str, column: str, value: str) -> Iterator[None]:
    """Has a row say something else for a while, as somebody's hand beside the bridge would."""
    engine = create_engine(parse_database_url(url))
    of = {"identifier": identifier}

    def write(said: str) -> None:
        with engine.begin() as connection:
            change = text(f"UPDATE {table} SET {column} = :said WHERE {key} = :identifier")
            assert connection.execute(change, {"said": said, **of}).rowcount == 1

    with engine.begin() as connection:
        before = connection.scalar(text(f"SELECT {column} FROM {table} WHERE {key} = :identifier"), of)
    write(value)
    try:
        yield
    finally:
        write(before)
        engine.dispose()


def spoiled_payment(url: str, payment_id: str, value: str = SPOILED[0]) -> AbstractContextManager[None]:
    return spoiled(url, "payments", "payment_id", payment_id, "facts", value)


def spoiled_payout(url: str, payout_id: str) -> AbstractContextManager[None]:
    return spoiled(url, "payouts", "payout_id", payout_id, "facts", SPOILED[0])


async def reopened(journal: Journal, url: str, clock: Clock) -> Journal:
    """As it is after a start: nothing is remembered of any payment."""
    await journal.close()
    return await Journal.open(url, clock)
