"""Accepting: who is let in to the front door at all, and who finds it shut."""

import asyncio
import contextlib
import logging
import os
import resource
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest
import uvicorn

from bridge.door import ConnectionLimits, Door, DoorLimits, acceptor
from bridge.door.acceptor import ACCEPTED_PER_TURN, Acceptor
from bridge.sockets.rate_limit import RateLimit
from tests.waiting import GIVE_UP_SECONDS, until

BURST = 20
NEVER = RateLimit(per_second=1e-6, burst=BURST / 10)


class Entrance:
    """A front door that nobody can ask anything, and how many are in."""

    def __init__(self, connection_limits: ConnectionLimits) -> None:
        self.connection_limits = connection_limits
        self.port = 0

    async def knock(self, source: str) -> bool:
        """Whether one of an address is let in. It goes at once."""
        loop = asyncio.get_running_loop()
        with socket.socket() as line:
            line.setblocking(False)
            line.bind((source, 0))
            with contextlib.suppress(ConnectionError):
                await loop.sock_connect(line, ("127.0.0.1", self.port))
                await loop.sock_sendall(line, b"\n")  # which is a 400
                async with asyncio.timeout(GIVE_UP_SECONDS):
                    return await loop.sock_recv(line, 100) != b""
            return False


@asynccontextmanager
async def entrance() -> AsyncIterator[Entrance]:
    connection_limits = ConnectionLimits(places=1_000, reserved_places=1, per_address=1_000, clients=NEVER)
    door = Door(connection_limits, DoorLimits())
    config, state = uvicorn.Config("", log_config=None), uvicorn.server.ServerState()
    listener = socket.create_server(("127.0.0.1", 0), backlog=1_000)
    listener.setblocking(False)
    found = Entrance(connection_limits)
    found.port = listener.getsockname()[1]
    accepting = Acceptor(listener, connection_limits)
    accepting.accept(lambda: door(config, state, {}))
    try:
        yield found
    finally:
        accepting.close()
        await until(lambda: not state.connections)


async def test_who_opens_connection_after_connection_is_closed_before_anything_is_read() -> None:
    async with entrance() as front:
        let_in = [await front.knock("127.0.0.2") for _ in range(BURST + 5)]
        assert let_in == [True] * BURST + [False] * 5
        assert await front.knock("127.0.0.3")
        assert all([await front.knock("127.0.0.1") for _ in range(2 * BURST)])
    assert "connections were turned away within a minute" in (front.connection_limits.trouble() or "")


async def test_a_crowd_that_comes_at_once_is_let_in_a_few_at_a_time_and_all_of_them() -> None:
    async with entrance() as front:
        crowd = [asyncio.create_task(front.knock("127.0.0.1")) for _ in range(5 * ACCEPTED_PER_TURN)]
        assert all(await asyncio.gather(*crowd))


@contextmanager
def no_more_files() -> Iterator[None]:
    """As long as it is entered, this process can open none."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.open(os.devnull, os.O_RDONLY)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_who_comes_while_there_are_no_files_is_let_in_once_there_are(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acceptor, "RETRY_SECONDS", 0.01)
    caplog.set_level(logging.ERROR)
    async with entrance() as front:
        with socket.socket() as line:
            line.settimeout(GIVE_UP_SECONDS)
            with no_more_files():
                line.connect(("127.0.0.1", front.port))
                await until(lambda: caplog.records)
            assert "accepting no connections for a second: Too many open files" in caplog.text
            await until(lambda: front.connection_limits.stand.connections)
