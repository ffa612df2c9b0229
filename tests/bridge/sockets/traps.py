"""What tests of python-socketio's traps have in common: our server, the stock one, and what is asked of both."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
import socketio
from websockets.asyncio.client import ClientConnection

from bridge.sockets import create_socket_server
from bridge.sockets.rooms.manager import ClientManager
from tests.waiting import GIVE_UP_SECONDS

Serve = Callable[..., Awaitable[str]]
Dial = Callable[..., Awaitable[ClientConnection]]
Poll = Callable[[str], Awaitable[tuple[httpx.AsyncClient, str]]]
Eventually = Callable[[Callable[[], object]], Awaitable[object]]
Make = Callable[[], Any]


def ours() -> Any:
    return create_socket_server(frontend_url="https://shop.example")


def stock() -> Any:
    return socketio.AsyncServer(async_mode="asgi", cors_allowed_origins="https://shop.example")


def on_both(defect_free: object, defective: object) -> pytest.MarkDecorator:
    """Runs a test on our server and on the stock one, with what is expected of each."""
    return pytest.mark.parametrize(
        ("make", "expected"),
        [pytest.param(ours, defect_free, id="ours"), pytest.param(stock, defective, id="stock")],
    )


def remains(server: Any) -> bool:
    """Whether the server remembers anything of anybody."""
    manager = server.manager
    kept = [manager.rooms, manager.pending_connect, manager.pending_disconnect, manager.callbacks, server.environ]
    if isinstance(manager, ClientManager):
        kept.append(manager._of)
    return any(kept)


def hung_up(server: Any) -> bool:
    """Whether the engine has closed all connections; those of polling clients it sweeps away much later."""
    return all(connection.closed for connection in server.eio.sockets.values())


async def hear(websocket: ClientConnection) -> str:
    async with asyncio.timeout(GIVE_UP_SECONDS):
        return str(await websocket.recv())


def offer_fence(server: Any) -> None:
    """An event whose acknowledgement comes behind everything sent before it, and a namespace to the same end."""

    async def fence(sid: str) -> str:
        return "reached"

    server.on("fence", fence)
    server.on("fence", fence, namespace="/fence")
