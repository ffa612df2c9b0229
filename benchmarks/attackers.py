"""One attacker of a kind, as a process of its own: `python -m benchmarks.attackers KIND PORT`.

It goes on until it is ended, and minds nothing that the server does about it.
"""

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Awaitable, Callable

import uvloop

from benchmarks.clients import HANDSHAKE, masked
from benchmarks.processes import more_files

__all__ = ["ATTACKS"]

HOST = b"Host: 127.0.0.1\r\n"
LIVE = b"GET /health/live HTTP/1.1\r\n" + HOST + b"\r\n"
POST = b"POST /api/events HTTP/1.1\r\n" + HOST
CONNECTIONS = 1_000
# As many as one address may have. Whoever comes over a proxy is counted by what that says.
OF_ADDRESS = 500
ADDRESS, SEVEN_ADDRESSES = "203.0.113.66", [f"198.51.100.{number}" for number in range(7)]
# As this machine can have them: each address of the loopback but the first counts as somebody's.
FOUR_ADDRESSES = [f"127.0.0.{number}" for number in range(2, 6)]
# What may be begun by who is not let in, and more than their sockets take of answers.
BEGUN_BYTES, OPENAPI = 131_071, LIVE.replace(b"/health/live", b"/schema/openapi.json")
PIECE_BYTES = 200_000
STAYING_SECONDS = 1.0
# What honest clients do comes first on their core.
NICENESS = 19

Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Attack = Callable[[int], Awaitable[None]]


def of(request: bytes, address: str = ADDRESS) -> bytes:
    """A request as a proxy passes it on for an address."""
    return request.replace(b"\r\n\r\n", f"\r\nX-Forwarded-For: {address}\r\n\r\n".encode(), 1)


async def _open(port: int, first: bytes, source: str | None = None) -> Line:
    local = None if source is None else (source, 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=local)
    writer.write(first)
    return reader, writer


async def _forget(reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(OSError):
        while await reader.read(PIECE_BYTES):
            pass


def flood(
    first: bytes,
    again: bytes,
    *,
    connections: int = 1,
    reads: bool = True,
    pause_seconds: float = 0.01,
    source: str | None = None,
) -> Attack:
    """The same over and over, as fast as it is taken, on new connections once they are closed, after a pause."""
    piece = again * max(1, PIECE_BYTES // len(again))

    async def one(port: int) -> None:
        while True:
            with contextlib.suppress(OSError):
                reader, writer = await _open(port, first, source)
                reading = asyncio.create_task(_forget(reader)) if reads else None
                try:
                    while not writer.is_closing():
                        writer.write(piece)
                        await writer.drain()
                finally:
                    writer.transport.abort()
                    if reading is not None:
                        reading.cancel()
            await asyncio.sleep(pause_seconds)

    async def attack(port: int) -> None:
        await asyncio.gather(*(one(port) for _ in range(connections)))

    return attack


def hold(
    first: bytes,
    drip: bytes = b"",
    *,
    connections: int = CONNECTIONS,
    reads: bool = True,
    then: bytes = b"",
    pause_seconds: float = 0.1,
) -> Attack:
    """Many connections at once, each with a beginning, with something `then` once that is answered, and then next to
    nothing; a new one for each that is closed."""

    async def one(port: int) -> None:
        while True:
            with contextlib.suppress(OSError, EOFError):
                reader, writer = await _open(port, first)
                if then:
                    await reader.readuntil(b"\r\n\r\n")
                    writer.write(then)
                reading = asyncio.create_task(_forget(reader) if reads else writer.wait_closed())
                while not reading.done():
                    if drip:
                        writer.write(drip)
                    await asyncio.wait([reading], timeout=1)
                writer.transport.abort()
            await asyncio.sleep(pause_seconds)

    async def attack(port: int) -> None:
        await asyncio.gather(*(one(port) for _ in range(connections)))

    return attack


CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
CONNECTED = HANDSHAKE + masked(b"40")
LET_IN = of(HANDSHAKE) + masked(b"40")
BEGUN = b"\x81\xff" + BEGUN_BYTES.to_bytes(8, "big") + b"\0\0\0\0" + b"x" * (BEGUN_BYTES - 1)


def of_one_address(again: bytes, *, reads: bool = True) -> Attack:
    """As many sockets as it may have. How often it connects a proxy bounds, or the bridge."""
    return flood(LET_IN, again, connections=OF_ADDRESS, reads=reads, pause_seconds=2.0)


def connect_again_and_again(source: str | None = None) -> Attack:
    """One connection after the other, as fast as they are made, and nothing over them."""

    async def attack(port: int) -> None:
        loop = asyncio.get_running_loop()
        while True:
            with contextlib.suppress(OSError), socket.socket() as line:
                line.setblocking(False)
                if source is not None:
                    line.bind((source, 0))
                await loop.sock_connect(line, ("127.0.0.1", port))

    return attack


def come_back(clients: int) -> Attack:
    """A crowd that means no harm: all come at once, stay for a while, and are cut off, again and again."""

    async def stay(port: int) -> asyncio.StreamWriter:
        while True:
            with contextlib.suppress(OSError, EOFError):
                reader, writer = await _open(port, CONNECTED)
                await reader.readuntil(b'40{"sid"')
                reading = asyncio.create_task(_forget(reader))
                reading.add_done_callback(lambda _: None)
                return writer
            await asyncio.sleep(1)

    async def attack(port: int) -> None:
        more_files()
        while True:
            for writer in await asyncio.gather(*(stay(port) for _ in range(clients))):
                writer.transport.abort()
            await asyncio.sleep(STAYING_SECONDS)

    return attack


def side_by_side(*attacks: Attack) -> Attack:
    async def attack(port: int) -> None:
        await asyncio.gather(*(one(port) for one in attacks))

    return attack


def flood_of_four_addresses(first: bytes, again: bytes, *, reads: bool = True) -> Attack:
    """The same by as many as one address may have, a quarter of them from each."""
    few = OF_ADDRESS // 4
    return side_by_side(*(flood(first, again, connections=few, reads=reads, source=one) for one in FOUR_ADDRESSES))


ENDLESS_HEAD, TINY_CHUNKS = (b"GET / HTTP/1.1\r\n", b"X: y\r\n"), (CHUNKED, b"1\r\nx\r\n")
EVENT, WITH_ACK = masked(b'42["nothing"]'), masked(b'421["unwatch-users",{}]')
EVENTS, ACKS = (CONNECTED, EVENT), (CONNECTED, WITH_ACK)

ATTACKS: dict[str, Attack] = {
    "silence": hold(b""),
    "heads that drip": hold(b"GET / HTTP/1.1\r\nX: ", b"x"),
    "bodies that drip": hold(POST + b"Content-Length: 100000\r\n\r\n", b"x"),
    "heads without an end": flood(*ENDLESS_HEAD),
    "a URL without an end": flood(b"GET /", b"a"),
    "bodies in tiny chunks": flood(*TINY_CHUNKS),
    "large bodies": flood(POST + b"Content-Length: 1000000\r\n\r\n", b"x", connections=8),
    "requests in a row": flood(b"", LIVE),
    "answers unread": flood(b"", LIVE.replace(b"/health/live", b"/schema/openapi.json"), connections=8, reads=False),
    "pings": flood(HANDSHAKE, masked(b"", 0x89)),
    "empty parts": flood(HANDSHAKE + masked(b"", 0x01), masked(b"", 0x00)),
    "events": flood(*EVENTS),
    "events of one address": of_one_address(EVENT),
    "joins of one address": of_one_address(masked(b'421["join-user-room","u"]')),
    "acks unread of one address": of_one_address(WITH_ACK, reads=False),
    "answers unread of one address": hold(of(OPENAPI), connections=OF_ADDRESS, reads=False, pause_seconds=2.0),
    "messages begun of one address": hold(LET_IN, then=BEGUN, connections=OF_ADDRESS, pause_seconds=2.0),
    "requests of one address": flood(b"", of(LIVE.replace(b"/health/live", b"/api/chains")), connections=50),
    "health of seven addresses": side_by_side(
        *(flood(b"", of(LIVE.replace(b"live", b"ready"), one), connections=10) for one in SEVEN_ADDRESSES)
    ),
    "a crowd that comes back": come_back(4_000),
    "connection after connection": connect_again_and_again(FOUR_ADDRESSES[0]),
    "connections of four addresses": side_by_side(*map(connect_again_and_again, FOUR_ADDRESSES)),
    "heads of four addresses": flood_of_four_addresses(*ENDLESS_HEAD),
    "chunks of four addresses": flood_of_four_addresses(*TINY_CHUNKS),
    "events of four addresses": flood_of_four_addresses(*EVENTS),
    "unread of four addresses": flood_of_four_addresses(*ACKS, reads=False),
    "four kinds of four addresses": side_by_side(
        flood(*ENDLESS_HEAD, connections=OF_ADDRESS, source=FOUR_ADDRESSES[0]),
        flood(*TINY_CHUNKS, connections=OF_ADDRESS, source=FOUR_ADDRESSES[1]),
        flood(*EVENTS, connections=OF_ADDRESS, pause_seconds=2.0, source=FOUR_ADDRESSES[2]),
        flood(*ACKS, connections=OF_ADDRESS, reads=False, pause_seconds=2.0, source=FOUR_ADDRESSES[3]),
    ),
}

if __name__ == "__main__":
    os.nice(NICENESS)
    uvloop.run(ATTACKS[sys.argv[1]](int(sys.argv[2])))  # type: ignore[arg-type]
