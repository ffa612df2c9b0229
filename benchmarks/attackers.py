"""One attacker of a kind, as a process of its own: `python -m benchmarks.attackers KIND PORT`.

It goes on until it is ended, and minds nothing that the server does about it.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import Awaitable, Callable

import uvloop

from benchmarks.load import HANDSHAKE, masked

__all__ = ["ATTACKS"]

HOST = b"Host: 127.0.0.1\r\n"
LIVE = b"GET /health/live HTTP/1.1\r\n" + HOST + b"\r\n"
POST = b"POST /api/events HTTP/1.1\r\n" + HOST
CONNECTIONS = 1_000
PIECE_BYTES = 200_000
# What honest clients do comes first on their core.
NICENESS = 19

Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Attack = Callable[[int], Awaitable[None]]


async def _open(port: int, first: bytes) -> Line:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(first)
    return reader, writer


async def _forget(reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(OSError):
        while await reader.read(PIECE_BYTES):
            pass


def flood(first: bytes, again: bytes, *, connections: int = 1, reads: bool = True) -> Attack:
    """The same over and over, as fast as it is taken, on new connections once they are closed."""
    piece = again * max(1, PIECE_BYTES // len(again))

    async def one(port: int) -> None:
        while True:
            with contextlib.suppress(OSError):
                reader, writer = await _open(port, first)
                reading = asyncio.create_task(_forget(reader)) if reads else None
                try:
                    while not writer.is_closing():
                        writer.write(piece)
                        await writer.drain()
                finally:
                    writer.transport.abort()
                    if reading is not None:
                        reading.cancel()
            await asyncio.sleep(0.01)

    async def attack(port: int) -> None:
        await asyncio.gather(*(one(port) for _ in range(connections)))

    return attack


def hold(first: bytes, drip: bytes = b"") -> Attack:
    """Many connections at once, each with a beginning and then next to nothing; a new one for each that is closed."""

    async def one(port: int) -> None:
        while True:
            with contextlib.suppress(OSError):
                reader, writer = await _open(port, first)
                reading = asyncio.create_task(_forget(reader))
                while not reading.done():
                    if drip:
                        writer.write(drip)
                    await asyncio.wait([reading], timeout=1)
                writer.transport.abort()
            await asyncio.sleep(0.1)

    async def attack(port: int) -> None:
        await asyncio.gather(*(one(port) for _ in range(CONNECTIONS)))

    return attack


ATTACKS: dict[str, Attack] = {
    "silence": hold(b""),
    "heads that drip": hold(b"GET / HTTP/1.1\r\nX: ", b"x"),
    "bodies that drip": hold(POST + b"Content-Length: 100000\r\n\r\n", b"x"),
    "heads without an end": flood(b"GET / HTTP/1.1\r\n", b"X: y\r\n"),
    "a URL without an end": flood(b"GET /", b"a"),
    "bodies in tiny chunks": flood(POST + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "large bodies": flood(POST + b"Content-Length: 1000000\r\n\r\n", b"x", connections=8),
    "requests in a row": flood(b"", LIVE),
    "answers unread": flood(b"", LIVE.replace(b"/health/live", b"/schema/openapi.json"), connections=8, reads=False),
    "pings": flood(HANDSHAKE, masked(b"", 0x89)),
    "empty parts": flood(HANDSHAKE + masked(b"", 0x01), masked(b"", 0x00)),
    "events": flood(HANDSHAKE + masked(b"40"), masked(b'42["nothing"]')),
}

if __name__ == "__main__":
    os.nice(NICENESS)
    uvloop.run(ATTACKS[sys.argv[1]](int(sys.argv[2])))  # type: ignore[arg-type]
