"""A journal in each kind of database, both real: an SQLite file, and a PostgreSQL of the tests' own."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from bridge.journal import Journal
from tests.clock import Clock

NOW = datetime(2026, 5, 1, 22, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
async def journal(database_url: str, clock: Clock) -> AsyncIterator[Journal]:
    opened = await Journal.open(database_url, clock)
    yield opened
    await opened.close()
