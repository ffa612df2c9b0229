"""Asking a client whether it is there, before it is taken for half open."""

import asyncio

from bridge.sockets.transport.connection import Connection

__all__ = ["answers"]

# More than an answer takes over any line that is of use.
ANSWER_SECONDS, POLLS = 2.0, 100


async def answers(connection: Connection) -> bool:
    """Whether the client is there: it is asked, and given a moment."""
    if connection.last_ping is None:
        connection.server.pings.discard(connection)
        connection.ping(asyncio.get_running_loop().time())
    for _ in range(POLLS):
        if connection.last_ping is None or connection.closed:
            break
        await asyncio.sleep(ANSWER_SECONDS / POLLS)
    return connection.last_ping is None and not connection.closed
