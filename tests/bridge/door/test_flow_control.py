"""What is read of a connection, and when."""

import asyncio
import contextlib
from collections.abc import Callable

import pytest
import uvloop
from prometheus_client import REGISTRY

from bridge.door import DoorLimits
from bridge.door.connection import HttpConnection
from bridge.door.flow_control import RESTING_SECONDS
from bridge.sockets.loop_shares import LoopShares
from bridge.sockets.transport.read_buffer import READ_BYTES
from tests.bridge.door.conftest import House, served
from tests.waiting import GIVE_UP_SECONDS, until

LINGER_SECONDS = 0.5


async def test_of_what_follows_a_refusal_a_piece_is_read_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    reads = 0
    read = HttpConnection.buffer_updated

    def buffer_updated(connection: HttpConnection, count: int) -> None:
        nonlocal reads
        reads += 1
        read(connection, count)

    monkeypatch.setattr(HttpConnection, "buffer_updated", buffer_updated)
    house = House()
    async with served(house, linger_seconds=LINGER_SECONDS):
        _, writer = await asyncio.open_connection("127.0.0.1", house.port)
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(GIVE_UP_SECONDS):
                writer.write(b"GET / HTTP/1.1\r\n")
                while True:
                    writer.write(b"X: y\r\n" * 50_000)
                    await writer.drain()
        writer.transport.abort()
    before_it_is_refused = 2 + DoorLimits().head_bytes / READ_BYTES
    assert before_it_is_refused < reads < before_it_is_refused + 2 + LINGER_SECONDS / RESTING_SECONDS


def held_bytes() -> float | None:
    return REGISTRY.get_sample_value("bridge_door_held_bytes")


class Shares:
    """Of a loop whose every look at the clock takes a while, and whose timers are ours."""

    def __init__(self) -> None:
        self.now, self.cost_seconds = 1_000.0, 0.0
        self.timers: list[Callable[[], object]] = []
        self.loop_shares = LoopShares(0.25, self._clock, lambda _, go_on: self.timers.append(go_on))

    def _clock(self) -> float:
        self.now += self.cost_seconds
        return self.now


async def test_an_address_that_had_its_share_is_read_on_once_it_is_its_turn_and_nobody_else_waits() -> None:
    house, shares = House(), Shares()
    async with served(house, shares=shares.loop_shares):
        lines = []
        for source in ("127.0.0.2", "127.0.0.3", "127.0.0.1"):
            shares.cost_seconds = 10.0 if source == "127.0.0.2" else 0.0
            lines.append(await asyncio.open_connection("127.0.0.1", house.port, local_addr=(source, 0)))
            lines[-1][1].write(b"GET /")
            await until(lambda: held_bytes() == 5 * len(lines))
        shares.cost_seconds = 0.0
        for _, writer in lines:
            writer.write(b" HTTP/1.1\r\nHost: a\r\n\r\n")
        for reader, _ in lines[1:]:
            async with asyncio.timeout(GIVE_UP_SECONDS):
                assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        assert held_bytes() == 5
        shares.now += 1_000
        [go_on] = shares.timers
        go_on()
        async with asyncio.timeout(GIVE_UP_SECONDS):
            assert (await lines[0][0].readline()).startswith(b"HTTP/1.1 200")
        for _, writer in lines:
            writer.transport.abort()


async def test_one_makes_room_for_what_waits_for_its_turn_and_not_all_of_its_address() -> None:
    house, shares = House(), Shares()
    async with served(house, shares=shares.loop_shares, held_bytes_per_address=12_000):
        lines = [
            await asyncio.open_connection("127.0.0.1", house.port, local_addr=("127.0.0.2", 0)) for _ in range(4)
        ]
        await until(lambda: house.door.connection_limits.stand.connections == 4)
        shares.cost_seconds = 10.0
        lines[3][1].write(b"GET /")
        await until(lambda: held_bytes() == 5)
        shares.cost_seconds = 0.0
        for count, (_, writer) in enumerate(lines[:3], 1):
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 4_968 + b"\r\n\r\n")
            await until(lambda count=count: (held_bytes() or 0) >= 5_000 * min(count, 2))  # type: ignore[misc]
        # Who has held something for longest goes first, however little that is, and then the next one.
        await until(lambda: house.door.connection_limits.stand.connections == 2)
        shares.now += 1_000
        while shares.timers:
            shares.timers.pop(0)()
        for reader, _ in lines[1:3]:
            async with asyncio.timeout(GIVE_UP_SECONDS):
                assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        for _, writer in lines:
            writer.transport.abort()


def test_of_an_address_that_had_its_share_a_new_connection_is_not_read_on_the_loop_that_the_bridge_has() -> None:
    """uvloop begins to read a connection once it is made, whatever it was told meanwhile."""

    async def come_again_and_again() -> None:
        house, shares = House(), Shares()
        async with served(house, shares=shares.loop_shares):
            shares.cost_seconds = 10.0
            lines = [await asyncio.open_connection("127.0.0.1", house.port, local_addr=("127.0.0.2", 0))]
            lines[0][1].write(b"GET /")
            await until(lambda: held_bytes() == 5)
            shares.cost_seconds = 0.0
            for _ in range(5):
                lines.append(await asyncio.open_connection("127.0.0.1", house.port, local_addr=("127.0.0.2", 0)))
                lines[-1][1].write(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 10_000)
            await until(lambda: len(lines) == house.door.connection_limits.stand.connections)
            for _ in range(20):
                assert b"200" in await house.converse([b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"])
            assert (held_bytes() or 0) <= 5 + 5 * READ_BYTES
            for _, writer in lines:
                writer.transport.abort()

    uvloop.run(come_again_and_again())
