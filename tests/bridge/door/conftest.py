"""A web server with our front door, before an application that writes down what it is asked."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, cast

import pytest_asyncio
import uvicorn

from bridge.door import Door
from bridge.sockets.transport.web_socket_protocol import WebSocketProtocol
from tests.doors import DeafServer, any_door
from tests.waiting import GIVE_UP_SECONDS, until

HASTE_SECONDS = 0.05


class Asked(NamedTuple):
    """A request that has come whole."""

    method: str
    target: bytes
    body: bytes


class House:
    """The server, and what its application was asked."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.failures: list[BaseException] = []
        self.port = 0
        self.door: Door

    async def application(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await self._answer(scope, receive, send)
        except BaseException as error:
            self.failures.append(error)
            raise

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            self.asked.append(Asked("WEBSOCKET", scope["raw_path"], b""))
            await send({"type": "websocket.close"})
            return
        body = b""
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return
            body += message["body"]
            if not message["more_body"]:
                break
        query = scope["query_string"]
        self.asked.append(Asked(scope["method"], scope["raw_path"] + (b"?" + query if query else b""), body))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async def converse(self, pieces: list[bytes]) -> bytes:
        """Sends something, a turn of the loop between each, and hears all until the connection is closed."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for piece in pieces:
                writer.write(piece)
                await asyncio.sleep(0)
            async with asyncio.timeout(GIVE_UP_SECONDS):
                return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.transport.abort()


@asynccontextmanager
async def served(house: House, **limits: Any) -> AsyncIterator[None]:
    listener = socket.create_server(("127.0.0.1", 0))
    house.door = door = any_door(**limits)
    config = uvicorn.Config(
        house.application,
        interface="asgi3",
        http=door,
        ws=cast(Any, WebSocketProtocol),
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=1,
    )
    server = DeafServer(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    await until(lambda: server.started)
    house.port = listener.getsockname()[1]
    try:
        yield
    finally:
        server.should_exit = True
        await task


@pytest_asyncio.fixture
async def house() -> AsyncIterator[House]:
    """One for all examples of a test."""
    house = House()
    async with served(house):
        yield house


@pytest_asyncio.fixture
async def hasty_house() -> AsyncIterator[House]:
    """One that hardly waits for a head or a body."""
    house = House()
    async with served(house, head_seconds=HASTE_SECONDS, body_seconds=HASTE_SECONDS):
        yield house
