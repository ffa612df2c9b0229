"""Servers that share a journal, and who looks into it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import psycopg
import pytest
import pytest_asyncio

from tests.bridge.sockets.activity_heard import GRACE_SECONDS
from tests.bridge.sockets.houses import House
from tests.bridge.sockets.several import SERVERS, Operator

Serve = Callable[..., Awaitable[str]]
Eventually = Callable[[Callable[[], object]], Awaitable[object]]


@pytest.fixture
def operator(database_url: str) -> Iterator[Operator]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield Operator(connection)


@pytest.fixture
def is_shared(request: pytest.FixtureRequest) -> bool:
    return bool(getattr(request, "param", False))


@pytest_asyncio.fixture
async def house(
    database_url: str, is_shared: bool, serve: Serve, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    """One that is alone; nobody is offline there before the test says so."""
    monkeypatch.setattr("bridge.sockets.recovery.pending_saves.SOON_SECONDS", 0.01)
    house = House(database_url, serve, eventually, is_shared=is_shared, presence_grace_seconds=GRACE_SECONDS)
    await house.open()
    yield house
    await house.close()


@pytest_asyncio.fixture
async def houses(
    database_url: str, serve: Serve, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[list[House]]:
    monkeypatch.setattr("bridge.sockets.transport.asking.ANSWER_SECONDS", 0.01)
    monkeypatch.setattr("bridge.sockets.recovery.reconnections.RETRY_SECONDS", 0.01)
    monkeypatch.setattr("bridge.sockets.recovery.pending_saves.SOON_SECONDS", 0.01)
    houses = [House(database_url, serve, eventually, is_shared=True) for _ in range(SERVERS)]
    async with AsyncExitStack() as stack:
        for house in houses:
            await house.open()
            stack.push_async_callback(house.close)
        yield houses
