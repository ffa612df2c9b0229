"""The factory: who may come from where, what clients are told, what is logged, and what authors can add."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
import socketio
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from bridge.sockets import FrontendUrlError, create_socket_server
from bridge.sockets.origins import allowed_origins
from bridge.sockets.transport.connection import Connection
from coordinator.errors import BridgeError
from tests.bridge.sockets.clients import connect
from tests.clock import pass_seconds
from tests.waiting import GIVE_UP_SECONDS

Serve = Callable[..., Awaitable[str]]
JoinIn = Callable[..., Awaitable[Any]]
Poll = Callable[[str], Awaitable[tuple[httpx.AsyncClient, str]]]
Dial = Callable[..., Awaitable[ClientConnection]]
Eventually = Callable[[Callable[[], object]], Awaitable[object]]

SHOP = "https://shop.example"
ADMIN = "https://admin.shop.example:8443"
OPEN_POLLING = "/socket.io/?EIO=4&transport=polling"


def new_server(**options: Any) -> Any:
    return create_socket_server(**{"frontend_url": f"{SHOP}/, {ADMIN}", **options})


def test_the_factory_returns_an_async_server() -> None:
    assert isinstance(new_server(), socketio.AsyncServer)


@pytest.mark.parametrize(
    ("frontend_url", "origins"),
    [
        ("https://shop.example", ["https://shop.example"]),
        ("https://shop.example/", ["https://shop.example"]),
        ("https://shop.example//", ["https://shop.example"]),
        ("https://shop.example/market?x=1", ["https://shop.example"]),
        ("HTTPS://Shop.Example:443", ["https://shop.example"]),
        ("http://localhost:3000", ["http://localhost:3000"]),
        ("http://[::1]:3000/", ["http://[::1]:3000"]),
        (" https://a.example , http://b.example:80/,, https://a.example", ["https://a.example", "http://b.example"]),
    ],
)
def test_frontend_url_is_read_as_browsers_spell_origins(frontend_url: str, origins: list[str]) -> None:
    assert allowed_origins(frontend_url) == origins


@pytest.mark.parametrize(
    "frontend_url",
    ["", " , ", "*", "shop.example", "ftp://shop.example", "https://", "https://*.example", "http://a:b"],
)
def test_a_frontend_url_without_an_origin_stops_the_start(frontend_url: str) -> None:
    with pytest.raises(FrontendUrlError, match="FRONTEND_URL") as raised:
        create_socket_server(frontend_url=frontend_url)
    assert isinstance(raised.value, BridgeError)


async def test_a_web_socket_is_accepted_and_its_session_opened_as_one(
    serve: Serve, dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or whoever is cut off in between does not notice for a long time."""
    written: list[bytes] = []
    transport = asyncio.selector_events._SelectorSocketTransport  # type: ignore[attr-defined]
    write = transport.write

    def note(to: asyncio.Transport, content: bytes) -> None:
        written.append(bytes(content))
        write(to, content)

    monkeypatch.setattr(transport, "write", note)
    await dial(await serve(new_server()))
    assert [b'0{"sid"' in one for one in written if one.startswith(b"HTTP/1.1 101")] == [True]


@pytest.mark.parametrize("origin", [SHOP, ADMIN])
async def test_polling_from_the_frontend_is_allowed_with_credentials(serve: Serve, origin: str) -> None:
    async with httpx.AsyncClient(verify=False, base_url=await serve(new_server()), timeout=GIVE_UP_SECONDS) as client:
        answer = await client.get(OPEN_POLLING, headers={"Origin": origin})
        preflight = await client.options(OPEN_POLLING, headers={"Origin": origin})

    for response, status in ((answer, 200), (preflight, 204)):
        assert response.status_code == status
        assert response.headers["access-control-allow-origin"] == origin
        assert response.headers["access-control-allow-credentials"] == "true"
        assert response.headers["vary"] == "Origin"


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://shop.example", f"{SHOP}:444", f"{SHOP}.evil.example", "null"]
)
async def test_polling_from_elsewhere_is_refused(serve: Serve, origin: str) -> None:
    url = await serve(new_server())
    async with httpx.AsyncClient(verify=False, base_url=url, timeout=GIVE_UP_SECONDS) as client:
        answer = await client.get(
            OPEN_POLLING, headers={"Origin": origin, "X-Forwarded-Host": origin, "X-Forwarded-Proto": "https"}
        )

    assert answer.status_code == 403
    assert answer.json() == {"code": 4, "message": f"{origin} is not an accepted origin"}
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["vary"] == "Origin"


async def test_a_websocket_from_the_frontend_is_allowed_and_from_elsewhere_refused(serve: Serve, dial: Dial) -> None:
    url = await serve(new_server())
    websocket = await dial(url, origin=SHOP)
    await websocket.send("40")
    assert str(await websocket.recv()).startswith("40")

    with pytest.raises(InvalidStatus) as refused:
        await dial(url, origin="https://evil.example")
    assert refused.value.response.status_code == 403


async def test_a_client_that_is_no_browser_needs_no_origin(serve: Serve, join_in: JoinIn) -> None:
    client = await join_in(await serve(new_server()))
    assert await client.call("join-ops-room") == {"ok": True, "rooms": ["ops"]}


async def test_everything_else_goes_to_the_app_beside(serve: Serve) -> None:
    async with httpx.AsyncClient(verify=False, base_url=await serve(new_server()), timeout=GIVE_UP_SECONDS) as client:
        assert (await client.get("/health")).status_code == 204


async def open_packet(url: str) -> dict[str, Any]:
    async with httpx.AsyncClient(verify=False, base_url=url, timeout=GIVE_UP_SECONDS) as client:
        answer = await client.get(OPEN_POLLING)
    packet: dict[str, Any] = json.loads(answer.text[1:])
    return packet


async def test_clients_are_told_the_defaults(serve: Serve) -> None:
    packet = await open_packet(await serve(new_server(), is_patient=False))
    del packet["sid"]
    assert packet == {"upgrades": ["websocket"], "pingInterval": 25000, "pingTimeout": 20000, "maxPayload": 1000000}


async def test_clients_are_told_what_was_set(serve: Serve) -> None:
    options = {"ping_interval_seconds": 7.2, "ping_timeout_seconds": 3.5, "max_payload_bytes": 4321}
    packet = await open_packet(await serve(new_server(**options), is_patient=False))
    assert (packet["pingInterval"], packet["pingTimeout"], packet["maxPayload"]) == (7200, 3500, 4321)


async def test_pings_come_at_the_interval_and_silence_ends_the_connection(
    serve: Serve, dial: Dial, eventually: Eventually
) -> None:
    server = new_server(ping_interval_seconds=0.1, ping_timeout_seconds=GIVE_UP_SECONDS)
    websocket = await dial(await serve(server, is_patient=False))
    await websocket.send("40")

    async with asyncio.timeout(2 * GIVE_UP_SECONDS):
        while await websocket.recv() != "2":  # which may come before it is connected to the namespace
            pass
        await websocket.send("3")
        while await websocket.recv() != "2":
            pass
        await pass_seconds(GIVE_UP_SECONDS)
        await websocket.wait_closed()  # for want of a second pong
    await eventually(lambda: not server.manager.rooms)


async def test_whoever_never_answers_a_ping_is_closed_when_the_time_is_over(
    serve: Serve, dial: Dial, eventually: Eventually
) -> None:
    server = new_server(ping_interval_seconds=0.1, ping_timeout_seconds=0.1)
    websocket = await dial(await serve(server, is_patient=False))
    assert await websocket.recv() == "2"
    with pytest.raises(ConnectionClosed, match=r"4000 .* ping timeout"):
        await websocket.recv()
    await eventually(lambda: not server.eio.sockets)


async def test_whose_answers_the_bridge_leaves_waiting_is_not_closed_for_want_of_them(
    serve: Serve, dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = new_server(ping_interval_seconds=0.1, ping_timeout_seconds=GIVE_UP_SECONDS)
    websocket = await dial(await serve(server, is_patient=False))
    await websocket.send("40")
    while await websocket.recv() != "2":
        pass
    with monkeypatch.context() as patched:
        patched.setattr(Connection, "is_paused", True)
        await pass_seconds(GIVE_UP_SECONDS)
        await pass_seconds(0)  # in which it is looked who is late
        await websocket.send("3")
        assert await websocket.recv() == "2"
    await pass_seconds(GIVE_UP_SECONDS)
    await websocket.wait_closed()


async def test_too_large_a_payload_ends_the_connection(serve: Serve, dial: Dial, eventually: Eventually) -> None:
    server = new_server(max_payload_bytes=1000)
    url = await serve(server)
    websocket = await dial(url)
    await websocket.send("40")
    await websocket.recv()
    await websocket.send(f'421["{"a" * 900}"]')
    assert str(await websocket.recv()).startswith("431")

    await websocket.send(f'421["{"a" * 1000}"]')

    with pytest.raises(ConnectionClosed):
        await websocket.recv()
    await eventually(lambda: not server.manager.rooms)


async def test_the_client_upgrades_from_polling_to_websocket(
    serve: Serve, join_in: JoinIn, eventually: Eventually
) -> None:
    server = new_server()
    client = await join_in(await serve(server), transports=["polling", "websocket"])
    await eventually(lambda: server.transport(client.get_sid()) == "websocket")
    assert await client.call("join-ops-room") == {"ok": True, "rooms": ["ops"]}


def add_own_handlers(server: Any) -> None:
    server.on("connect", lambda sid, environ: None)
    server.on("disconnect", lambda sid, reason: None)


def log_of_a_visit(sid: str) -> list[tuple[str, str, str]]:
    return [
        ("bridge.sockets", "INFO", f"🔌 User connected: {sid}"),
        ("bridge.sockets", "INFO", f"🔌 User disconnected: {sid}"),
    ]


def log_lines(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str, str]]:
    """Of the bridge's own loggers: what the web server says depends on who has configured it."""
    own = [record for record in caplog.records if record.name.startswith("bridge.")]
    return [(record.name, record.levelname, record.getMessage()) for record in own]


@pytest.mark.parametrize("own_handlers", [False, True])
async def test_connecting_and_disconnecting_are_logged(
    serve: Serve, join_in: JoinIn, eventually: Eventually, caplog: pytest.LogCaptureFixture, own_handlers: bool
) -> None:
    server = new_server()
    if own_handlers:
        add_own_handlers(server)
    with caplog.at_level(logging.INFO, "bridge.sockets"):
        client = await join_in(await serve(server))
        sid = client.get_sid()
        await client.disconnect()
        await eventually(lambda: len(log_lines(caplog)) == 2)

    assert log_lines(caplog) == log_of_a_visit(sid)


@pytest.mark.parametrize("own_handlers", [False, True])
async def test_polling_clients_are_logged_the_same(
    serve: Serve, poll: Poll, caplog: pytest.LogCaptureFixture, own_handlers: bool
) -> None:
    server = new_server()
    if own_handlers:
        add_own_handlers(server)
    with caplog.at_level(logging.INFO, "bridge.sockets"):
        client, session = await poll(await serve(server))
        await client.post(session, content="40")
        sid = json.loads((await client.get(session)).text[2:])["sid"]
        await client.post(session, content="1")

    assert log_lines(caplog) == log_of_a_visit(sid)


async def test_other_namespaces_are_not_logged(serve: Serve, dial: Dial, caplog: pytest.LogCaptureFixture) -> None:
    server = new_server()
    server.on("connect", lambda sid, environ: None, namespace="/other")
    with caplog.at_level(logging.INFO, "bridge.sockets"):
        websocket = await dial(await serve(server))
        await websocket.send("40/other,")
        await websocket.recv()
        await websocket.send("41/other,")
        await websocket.send("40")
        sid = json.loads(str(await websocket.recv())[2:])["sid"]

    assert log_lines(caplog) == log_of_a_visit(sid)[:1]


async def test_a_client_that_the_server_disconnects_is_logged_and_told(
    serve: Serve, dial: Dial, caplog: pytest.LogCaptureFixture
) -> None:
    server = new_server()
    reasons: list[str] = []
    server.on("disconnect", lambda sid, reason: reasons.append(reason))
    with caplog.at_level(logging.INFO, "bridge.sockets"):
        websocket = await dial(await serve(server))
        await websocket.send("40")
        sid = json.loads(str(await websocket.recv())[2:])["sid"]
        await server.disconnect(sid)
        await server.disconnect(sid)

    assert await websocket.recv() == "41"
    assert reasons == ["server disconnect"]
    assert log_lines(caplog) == log_of_a_visit(sid)
    assert not server.manager.rooms


class Refusing:
    """Connect handlers that refuse."""

    def by_false(self, sid: str, environ: dict[str, Any]) -> bool:
        return False

    async def by_error(self, sid: str, environ: dict[str, Any], auth: Any) -> None:
        raise socketio.exceptions.ConnectionRefusedError("not today", {"after": auth})


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (Refusing().by_false, {"message": "Connection rejected by server"}),
        (Refusing().by_error, {"message": "not today", "data": {"after": {"token": "t"}}}),
    ],
    ids=["false", "error"],
)
async def test_a_connect_handler_can_refuse(
    serve: Serve, dial: Dial, caplog: pytest.LogCaptureFixture, handler: Any, reason: dict[str, Any]
) -> None:
    server = new_server()
    server.on("connect", handler)
    with caplog.at_level(logging.INFO, "bridge.sockets"):
        websocket = await dial(await serve(server))
        await websocket.send('40{"token":"t"}')
        answer = str(await websocket.recv())

    assert answer.startswith("44")
    assert json.loads(answer[2:]) == reason
    assert not server.manager.rooms
    assert caplog.records == []


async def test_further_handlers_and_namespaces_can_be_registered(serve: Serve, dial: Dial) -> None:
    server = new_server()

    class Echo(socketio.AsyncNamespace):  # type: ignore[misc]  # python-socketio ships no types
        async def on_echo(self, sid: str, text: str) -> str:
            return text

    server.register_namespace(Echo("/echo"))

    @server.event  # type: ignore[untyped-decorator]  # python-socketio ships no types
    async def add(sid: str, a: int, b: int) -> tuple[int, int]:
        return a + b, a - b

    websocket = await dial(await serve(server))
    for sent, answer in (
        ("40", "40{"),
        ("40/echo,", "40/echo,{"),
        ('421["add",5,2]', "431[7,3]"),
        ('42/echo,2["echo","hello"]', '43/echo,2["hello"]'),
        ('42/echo,3["join-ops-room"]', '43/echo,3[{"ok":false'),
        ('424["join-ops-room"]', '434[{"ok":true'),
    ):
        await websocket.send(sent)
        assert str(await websocket.recv()).startswith(answer)


async def test_unknown_namespaces_and_double_connects_are_refused(serve: Serve, dial: Dial) -> None:
    server = new_server()
    websocket = await dial(await serve(server))

    await websocket.send("40/nowhere,")
    assert await websocket.recv() == '44/nowhere,{"message":"Invalid namespace"}'
    await websocket.send("40")
    assert str(await websocket.recv()).startswith("40")
    await websocket.send("40")
    assert await websocket.recv() == '44{"message":"Already connected to this namespace"}'
    await websocket.send('421["join-ops-room"]')
    assert str(await websocket.recv()).startswith("431")
    assert set(server.manager.rooms) == {"/"}


async def test_the_library_keeps_packets_out_of_the_log(
    serve: Serve, join_in: JoinIn, caplog: pytest.LogCaptureFixture
) -> None:
    server = new_server()
    with caplog.at_level(logging.DEBUG):
        client = await join_in(await serve(server))
        await client.call("join-user-room", "somebody-private")
    assert not [record for record in caplog.records if record.name == "bridge.sockets.library"]


async def test_an_old_engine_is_refused(serve: Serve) -> None:
    url = await serve(new_server())
    with pytest.raises(InvalidStatus):
        async with connect(url.replace("http", "ws", 1) + "/socket.io/?EIO=3&transport=websocket"):
            pass


async def test_whoever_loses_a_session_is_closed_and_not_who_takes_it_up_right_after() -> None:
    server = create_socket_server(frontend_url="https://shop.example")
    before, after = (Connection(server.eio, name, None, None) for name in ("before", "after"))
    server.eio.sockets |= {"before": before, "after": after}
    await server.manager.pre_connect("before", "/", "sid")
    server._lose("sid")
    await server.manager.disconnect("sid", "/")
    await server.manager.pre_connect("after", "/", "sid")
    await asyncio.gather(*server.eio._tasks)
    assert (before.closed, after.closed) == (True, False)
    assert server.manager.connection("sid") is after
