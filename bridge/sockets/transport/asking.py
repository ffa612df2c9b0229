"""Asking clients whether they are there, before they are taken for half open."""

import asyncio
from collections.abc import Collection

from bridge.sockets.transport.connection import Connection

__all__ = ["answering", "answers", "stays"]

# More than an answer takes over any line that is of use.
ANSWER_SECONDS, POLLS = 2.0, 100


async def stays(connection: Connection, *, is_asked: bool) -> bool:
    """Whether the client of a connection that is to make way for another is there to stay, where it `is_asked`. What
    it has sent is handled first, or as much of it as can be in a moment: it may have said goodbye."""
    for _ in range(POLLS):
        if connection.closed or (connection.came is None and not connection.is_paused):
            break
        await asyncio.sleep(ANSWER_SECONDS / POLLS)
    return is_asked and await answers(connection)


async def answers(connection: Connection) -> bool:
    """Whether the client is there: it is asked, and given a moment."""
    return bool(await answering([connection]))


async def answering(connections: Collection[Connection]) -> Collection[Connection]:
    """Which clients are there: all are asked at once, and given a moment."""
    for connection in connections:
        if connection.last_ping is None:
            connection.server.pings.discard(connection)
            connection.ping(asyncio.get_running_loop().time())
    for _ in range(POLLS):
        if all(connection.last_ping is None or connection.closed for connection in connections):
            break
        await asyncio.sleep(ANSWER_SECONDS / POLLS)
    return [connection for connection in connections if connection.last_ping is None and not connection.closed]
