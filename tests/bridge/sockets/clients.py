"""The stock clients, which give up on a server only where a run would hang."""

from functools import partial
from typing import Any

import socketio
from websockets.asyncio.client import connect as stock_connect

from tests.waiting import GIVE_UP_SECONDS

__all__ = ["Client", "connect"]

connect = partial(stock_connect, open_timeout=GIVE_UP_SECONDS, close_timeout=GIVE_UP_SECONDS, ping_interval=None)
"""Opens a WebSocket, and asks nobody by itself whether they are there."""


class Client(socketio.AsyncClient):  # type: ignore[misc]  # python-socketio ships no types
    """A Socket.IO client that does not come back by itself."""

    def __init__(self) -> None:
        super().__init__(reconnection=False, handle_sigint=False, request_timeout=GIVE_UP_SECONDS)

    async def connect(self, url: str, **options: Any) -> None:
        await super().connect(url, **{"wait_timeout": GIVE_UP_SECONDS, **options})

    async def call(self, event: str, data: Any = None, **options: Any) -> Any:
        return await super().call(event, data, **{"timeout": GIVE_UP_SECONDS, **options})
