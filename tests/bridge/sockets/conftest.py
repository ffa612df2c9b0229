"""A real web server on a loopback port, and real clients for it. Nothing here waits for luck: only for conditions."""

import asyncio
import gc
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import httpx
import pytest
import pytest_asyncio
import socketio
import uvicorn
from websockets.asyncio.client import ClientConnection

from bridge.access.tokens import TokenVerifier
from bridge.sockets import create_socket_server
from bridge.sockets.transport.engine import EngineIoServer
from bridge.sockets.transport.web_socket_protocol import WebSocketProtocol
from tests.bridge.sockets.clients import connect
from tests.bridge.sockets.under_fire import LIMIT_BYTES, SECRET, TOKEN, Eventually, Watched
from tests.doors import DeafServer, any_door
from tests.python_clients import AsyncPythonClient
from tests.waiting import GIVE_UP_SECONDS, until

Serve = Callable[..., Awaitable[str]]
JoinIn = Callable[..., Awaitable[Any]]

# Not within a test, even if that lets GIVE_UP_SECONDS pass.
PING_SECONDS = 2 * GIVE_UP_SECONDS


async def plain_app(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
    send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
) -> None:
    """What stands beside the socket server: it answers everything with 204."""
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


@pytest.fixture
def eventually() -> Eventually:
    """Waits until a condition holds."""
    return until


@pytest.fixture
def web_sockets() -> Any:
    """How uvicorn is to speak WebSocket."""
    return WebSocketProtocol


@pytest_asyncio.fixture
async def serve(web_sockets: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Serve]:
    """Serves a socket server until the end of the test; returns its URL. Unless the test is about that, the server
    asks nobody whether they are there, and gives everyone all the time that they may need."""
    running: list[tuple[Any, uvicorn.Server, asyncio.Task[None]]] = []

    async def start(server: Any, *, is_patient: bool = True) -> str:
        if is_patient:
            server.eio.ping_interval, server.eio.ping_timeout = PING_SECONDS, GIVE_UP_SECONDS
            monkeypatch.setattr("bridge.sockets.transport.polling.UPGRADE_SECONDS", GIVE_UP_SECONDS)
            if isinstance(server.eio, EngineIoServer):
                server.eio.limits = replace(server.eio.limits, connect_timeout_seconds=GIVE_UP_SECONDS)
        listener = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(
            socketio.ASGIApp(server, other_asgi_app=plain_app),
            http=any_door() if web_sockets is WebSocketProtocol else "httptools",
            ws=web_sockets,
            lifespan="off",
            log_config=None,
            # Polls of stock servers that never end are cut off then.
            timeout_graceful_shutdown=1,
            timeout_keep_alive=int(PING_SECONDS),
            ws_per_message_deflate=False,
        )
        web = DeafServer(config)
        task = asyncio.create_task(web.serve(sockets=[listener]))
        running.append((server, web, task))
        await until(lambda: web.started)
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for _, web, _ in running:
        web.should_exit = True
    for server, _, task in running:
        await task
        await server.shutdown()


@pytest_asyncio.fixture
async def dial() -> AsyncIterator[Callable[..., Awaitable[ClientConnection]]]:
    """Opens a bare WebSocket to a server's URL, past the engine's open packet, before any CONNECT."""
    async with AsyncExitStack() as stack:

        async def open_websocket(url: str, **options: Any) -> ClientConnection:
            address = url.replace("http", "ws", 1) + "/socket.io/?EIO=4&transport=websocket"
            websocket = await stack.enter_async_context(connect(address, **options))
            assert str(await websocket.recv()).startswith("0{")
            return websocket

        yield open_websocket


@pytest_asyncio.fixture
async def join_in() -> AsyncIterator[Callable[..., Awaitable[Any]]]:
    """Connects a Socket.IO client, over WebSocket unless told otherwise. `heard` is what it is told, in order."""
    clients: list[Any] = []

    async def connect_client(url: str, heard: list[Any] | None = None, **options: Any) -> Any:
        client = AsyncPythonClient(reconnection=False)
        clients.append(client)
        if heard is not None:
            client.on("*", lambda event, *arguments: heard.append((event, *arguments)))
        await client.connect(url, **{"transports": ["websocket"], **options})
        return client

    yield connect_client
    for client in clients:
        await client.disconnect()


@pytest_asyncio.fixture
async def poll() -> AsyncIterator[Callable[[str], Awaitable[tuple[httpx.AsyncClient, str]]]]:
    """Opens a long-polling session; returns a client for it and the address of the session."""
    clients: list[httpx.AsyncClient] = []

    async def open_session(url: str) -> tuple[httpx.AsyncClient, str]:
        client = httpx.AsyncClient(verify=False, base_url=url, timeout=GIVE_UP_SECONDS)
        clients.append(client)
        answer = await client.get("/socket.io/?EIO=4&transport=polling")
        return client, f"/socket.io/?EIO=4&transport=polling&sid={json.loads(answer.text[1:])['sid']}"

    yield open_session
    for client in clients:
        await client.aclose()


@pytest_asyncio.fixture(params=["open", "jwt"])
async def watched(
    request: pytest.FixtureRequest,
    serve: Serve,
    join_in: JoinIn,
    eventually: Eventually,
    caplog: pytest.LogCaptureFixture,
) -> AsyncIterator[Watched]:
    """A server in each mode. Afterwards it serves a newcomer, keeps nothing, and nothing went wrong unhandled."""
    is_open = request.param == "open"
    unhandled: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))
    server = create_socket_server(
        frontend_url="https://shop.example",
        verifier=None if is_open else TokenVerifier(secrets=[SECRET]),
        presence_grace_seconds=0,
        max_payload_bytes=LIMIT_BYTES,
    )
    url = await serve(server)
    auth = {} if is_open else {"token": TOKEN}
    neighbour = await join_in(url, auth=auth)
    watched = Watched(server, url, "40" if is_open else f"40{json.dumps(auth)}", eventually)
    await neighbour.call("leave-ops-room")
    await watched.begin()

    yield watched

    assert (await neighbour.call("join-user-room", "u1"))["ok"]
    assert (await neighbour.call("leave-user-room", "u1"))["ok"]
    newcomer = await join_in(url, auth=auth)
    assert (await newcomer.call("join-user-room", "u1"))["ok"]
    await newcomer.disconnect()
    await watched.back_to_before()
    gc.collect()
    await asyncio.sleep(0)
    assert unhandled == []
    records = [*caplog.get_records("call"), *caplog.get_records("teardown")]
    assert [record for record in records if record.exc_info or record.name in ("asyncio", "uvicorn.error")] == []
