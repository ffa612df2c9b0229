"""The stock WebSocket client, which gives up on a server only where a run would hang."""

from functools import partial

from websockets.asyncio.client import connect as stock_connect

from tests.waiting import GIVE_UP_SECONDS

__all__ = ["connect"]

connect = partial(stock_connect, open_timeout=GIVE_UP_SECONDS, close_timeout=GIVE_UP_SECONDS, ping_interval=None)
"""Opens a WebSocket, and asks nobody by itself whether they are there."""
