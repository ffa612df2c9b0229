"""The wire, case by case, as the protocols of Engine.IO 4 and Socket.IO 5 have it: what the reference server does."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from bridge.sockets import SocketServer, create_socket_server
from bridge.sockets.limits import Limits
from bridge.sockets.transport.disconnects import Disconnect
from bridge.sockets.transport.web_socket_protocol import WebSocketProtocol
from tests.bridge.sockets.clients import connect
from tests.clock import pass_seconds
from tests.waiting import GIVE_UP_SECONDS, until

PING_SECONDS, PONG_SECONDS, LIMIT_BYTES = 0.3, 0.2, 1_000_000
POLLING = "/socket.io/?EIO=4&transport=polling"

Serve = Callable[..., Awaitable[str]]


@pytest.fixture(params=["ours", "uvicorn's"])
def web_sockets(request: pytest.FixtureRequest) -> Any:
    """The wire is the same under a web server that has no door for frames."""
    return WebSocketProtocol if request.param == "ours" else "websockets-sansio"


@pytest.fixture
def server() -> SocketServer:
    """A server with the settings of the official suites, an echo and a second namespace."""
    server = create_socket_server(
        frontend_url="https://shop.example",
        ping_interval_seconds=PING_SECONDS,
        ping_timeout_seconds=PONG_SECONDS,
        max_payload_bytes=LIMIT_BYTES,
    )

    async def greet(sid: str, _environ: object, auth: object = None) -> None:
        await server.emit("auth", {} if auth is None else auth, to=sid)

    async def greet_custom(sid: str, _environ: object, auth: object = None) -> None:
        told = {} if auth is None else auth
        server.start_background_task(server.emit, "auth", told, to=sid, namespace="/custom")

    async def echo(sid: str, *arguments: object) -> None:
        await server.emit("message-back", arguments, to=sid)

    async def echo_with_acknowledgement(_sid: str, *arguments: object) -> tuple[object, ...]:
        return arguments

    server.on("connect", greet)
    server.on("connect", greet_custom, namespace="/custom")
    server.on("message", echo)
    server.on("message-with-ack", echo_with_acknowledgement)
    return server


@pytest_asyncio.fixture
async def url(serve: Serve, server: SocketServer) -> str:
    """Where it is served; it asks nobody whether they are there."""
    return await serve(server)


@pytest_asyncio.fixture
async def http(url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(url) as client:
        yield client


def client_of(url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(verify=False, base_url=url, trust_env=False, timeout=GIVE_UP_SECONDS)


async def opened(http: httpx.AsyncClient) -> str:
    """The address of a new polling session."""
    answer = await http.get(POLLING)
    return f"{POLLING}&sid={json.loads(answer.text[1:])['sid']}"


async def web_socket(url: str, query: str = "EIO=4&transport=websocket") -> ClientConnection:
    return await connect(f"{url.replace('http', 'ws')}/socket.io/?{query}")


async def hear(websocket: ClientConnection) -> str | bytes:
    async with asyncio.timeout(GIVE_UP_SECONDS):
        return await websocket.recv()


async def joined(url: str) -> ClientConnection:
    websocket = await web_socket(url)
    await hear(websocket)
    await websocket.send("40")
    assert str(await hear(websocket)).startswith("40{")
    assert await hear(websocket) == '42["auth",{}]'
    return websocket


async def is_closed(websocket: ClientConnection) -> None:
    async with asyncio.timeout(GIVE_UP_SECONDS):
        await websocket.wait_closed()


# Engine.IO: the handshake


async def test_a_handshake_says_what_the_client_has_to_know(serve: Serve, server: SocketServer) -> None:
    url = await serve(server, is_patient=False)
    async with client_of(url) as http:
        by_polling = (await http.get(POLLING)).text
    websocket = await web_socket(url)
    for content, upgrades in ((by_polling, ["websocket"]), (str(await hear(websocket)), [])):
        assert content[0] == "0"
        told = json.loads(content[1:])
        assert told.pop("sid")
        assert told == {"upgrades": upgrades, "pingInterval": 300, "pingTimeout": 200, "maxPayload": LIMIT_BYTES}
    await websocket.close()


@pytest.mark.parametrize(
    ("method", "query"),
    [
        ("GET", "transport=polling"),
        ("GET", "EIO=abc&transport=polling"),
        ("GET", "EIO=4"),
        ("GET", "EIO=4&transport=abc"),
        ("POST", "EIO=4&transport=polling"),
        ("PUT", "EIO=4&transport=polling"),
        ("GET", "EIO=4&transport=polling&sid=abc"),
        ("POST", "EIO=4&transport=polling&sid=abc"),
    ],
)
async def test_a_handshake_that_is_none_is_answered_400(http: httpx.AsyncClient, method: str, query: str) -> None:
    assert (await http.request(method, f"/socket.io/?{query}")).status_code == 400


@pytest.mark.parametrize(
    "query", ["transport=websocket", "EIO=abc&transport=websocket", "EIO=4", "EIO=4&transport=abc"]
)
async def test_a_web_socket_that_is_none_is_closed(url: str, query: str) -> None:
    with pytest.raises(Exception, match=r"rejected|close"):
        await hear(await web_socket(url, query))


# Engine.IO: sending, heartbeat, closing, upgrading


async def pinging(serve: Serve, server: SocketServer) -> str:
    """The address of the server once it asks, soon, whether clients are there, and waits long for their answer."""
    server.eio.ping_timeout = GIVE_UP_SECONDS
    return await serve(server, is_patient=False)


async def test_a_polling_client_is_pinged_and_forgotten_if_it_is_silent(serve: Serve, server: SocketServer) -> None:
    async with client_of(await pinging(serve, server)) as http:
        address = await opened(http)
        assert (await http.get(address)).text == "2"
        assert (await http.post(address, content="3")).status_code == 200
        assert (await http.get(address)).text == "2"
        await pass_seconds(GIVE_UP_SECONDS)
        assert (await http.get(address)).status_code == 400


async def test_a_web_socket_client_is_pinged_and_closed_if_it_is_silent(serve: Serve, server: SocketServer) -> None:
    websocket = await web_socket(await pinging(serve, server))
    await hear(websocket)
    for _ in range(3):
        assert await hear(websocket) == "2"
        await websocket.send("3")
    assert await hear(websocket) == "2"
    await pass_seconds(GIVE_UP_SECONDS)
    with pytest.raises(ConnectionClosed):
        await hear(websocket)


async def is_polling(server: SocketServer) -> None:
    """Waits until a poll of the only client is under way."""
    [connection] = server.eio.sockets.values()
    await until(lambda: connection.polling.waits)


async def test_a_client_that_closes_is_let_go_in_the_middle_of_a_poll(
    server: SocketServer, http: httpx.AsyncClient
) -> None:
    address = await opened(http)
    polling = asyncio.create_task(http.get(address))
    await is_polling(server)  # were it not, the answer would be 400
    assert (await http.post(address, content="1")).status_code == 200
    answer = await polling
    assert (answer.status_code, answer.text) in ((200, "6"), (400, answer.text))
    assert (await http.get(address)).status_code == 400


async def test_a_web_socket_client_that_closes_is_closed(url: str) -> None:
    websocket = await web_socket(url)
    await hear(websocket)
    await websocket.send("1")
    with pytest.raises(ConnectionClosed):
        await hear(websocket)


async def test_a_client_upgrades_and_a_second_web_socket_of_its_session_is_closed(
    url: str, http: httpx.AsyncClient
) -> None:
    address = await opened(http)
    sid = address.rpartition("=")[2]
    websocket = await web_socket(url, f"EIO=4&transport=websocket&sid={sid}")
    await websocket.send("2probe")
    assert await hear(websocket) == "3probe"
    await websocket.send("5")
    await websocket.send("40")
    assert str(await hear(websocket)).startswith("40{")
    assert (await http.get(address)).status_code == 400
    second = await web_socket(url, f"EIO=4&transport=websocket&sid={sid}")
    with pytest.raises(ConnectionClosed):
        await hear(second)
    assert await hear(websocket) == '42["auth",{}]'
    await websocket.close()


@pytest.mark.parametrize("comes", ["before", "after"])
async def test_an_upgrade_in_one_breath_ends_polling(
    url: str, http: httpx.AsyncClient, server: SocketServer, comes: str
) -> None:
    """Whether a poll comes before it is read, or after."""
    address = await opened(http)
    sid = address.rpartition("=")[2]
    websocket = await web_socket(url, f"EIO=4&transport=websocket&sid={sid}")
    polling = asyncio.create_task(http.get(address))
    if comes == "before":
        await until(lambda: server.eio.sockets[sid].polling.waits)
    await websocket.send("2probe")
    await websocket.send("5")
    assert (await polling).status_code == 400
    assert await hear(websocket) == "3probe"
    await websocket.send("40")
    assert str(await hear(websocket)).startswith("40{")  # and not what was to end the poll
    assert (await http.get(address)).status_code == 400
    await websocket.close()


async def test_while_a_client_upgrades_its_poll_is_answered_and_another_web_socket_is_closed(
    url: str, http: httpx.AsyncClient
) -> None:
    address = await opened(http)
    query = f"EIO=4&transport=websocket&sid={address.rpartition('=')[2]}"
    websocket = await web_socket(url, query)
    await websocket.send("2probe")
    assert await hear(websocket) == "3probe"
    second = await web_socket(url, query)
    with pytest.raises(ConnectionClosed):
        await hear(second)
    answer = await http.get(address)
    assert (answer.status_code, answer.text) == (200, "6")
    await websocket.send("5")
    await websocket.send("40")
    assert str(await hear(websocket)).startswith("40{")
    await websocket.close()


async def upgrading(url: str, address: str) -> ClientConnection:
    """A WebSocket that the session at an address tries out, and has been answered on."""
    websocket = await web_socket(url, f"EIO=4&transport=websocket&sid={address.rpartition('=')[2]}")
    await websocket.send("2probe")
    assert await hear(websocket) == "3probe"
    return websocket


@pytest.mark.parametrize("comes", ["before", "during"])
async def test_while_a_client_upgrades_what_is_for_it_goes_out_with_its_poll_at_once(
    serve: Serve, server: SocketServer, monkeypatch: pytest.MonkeyPatch, comes: str
) -> None:
    monkeypatch.setattr("bridge.sockets.transport.polling.UPGRADE_POLL_SECONDS", 100 * GIVE_UP_SECONDS)
    url = await serve(server)
    async with client_of(url) as http:
        address = await opened(http)
        await http.post(address, content="40")
        told = ""
        while '42["auth",{}]' not in told:
            told = (await http.get(address)).text
        websocket = await upgrading(url, address)
        news = server.emit("news", 1)
        if comes == "before":
            await news
            answer = await http.get(address)
        else:
            polling = asyncio.create_task(http.get(address))
            await is_polling(server)
            await news
            answer = await polling
        assert answer.text == '42["news",1]'
        await server.emit("news", 2)  # for whoever does not poll while it changes over, in order
        await websocket.send("5")
        assert await hear(websocket) == '42["news",2]'
        await websocket.close()


async def test_a_client_that_upgrades_need_not_wait_for_its_poll_to_return(
    serve: Serve, server: SocketServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.sockets.transport.polling.UPGRADE_POLL_SECONDS", 100 * GIVE_UP_SECONDS)
    url = await serve(server)
    async with client_of(url) as http:
        address = await opened(http)
        polling = asyncio.create_task(http.get(address))
        await is_polling(server)
        websocket = await upgrading(url, address)
        answer = await polling
        assert (answer.status_code, answer.text) == (200, "6")
        await websocket.send("5")
        await websocket.send("40")
        assert str(await hear(websocket)).startswith("40{")
        await websocket.close()


async def test_a_poll_that_meets_the_end_of_an_upgrade_is_refused(
    serve: Serve, server: SocketServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.sockets.transport.polling.UPGRADE_POLL_SECONDS", 100 * GIVE_UP_SECONDS)
    url = await serve(server)
    async with client_of(url) as http:
        address = await opened(http)
        websocket = await upgrading(url, address)
        polling = asyncio.create_task(http.get(address))
        await is_polling(server)
        await websocket.send("5")
        answer = await polling
        assert (answer.status_code, answer.json()) == (400, {"code": 3, "message": "Bad request"})
        await websocket.close()


async def test_an_upgrade_that_breaks_off_leaves_the_client_polling(
    serve: Serve, server: SocketServer, http: httpx.AsyncClient, url: str
) -> None:
    address = await opened(http)
    websocket = await upgrading(url, address)
    await websocket.close()
    [connection] = server.eio.sockets.values()
    await until(lambda: not connection.upgrading)
    assert (await http.post(address, content="40")).text == "ok"
    assert (await http.get(address)).text.startswith("40{")


async def test_two_polls_at_once_are_the_end(server: SocketServer, http: httpx.AsyncClient) -> None:
    address = await opened(http)
    first = asyncio.create_task(http.get(address))
    await is_polling(server)  # were it not, it would be the one to be refused
    second = await http.get(address)
    assert [(await first).text, second.text] == ["1", '{"code":3,"message":"Bad request"}']
    assert (await http.get(address)).status_code == 400


async def test_a_poll_that_is_given_up_is_the_end(url: str, server: SocketServer, http: httpx.AsyncClient) -> None:
    address = await opened(http)
    host, port = url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {address} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    await writer.drain()
    await is_polling(server)
    writer.transport.abort()
    await until(lambda: not server.eio.sockets)  # or it would be two polls at once, which is another test
    assert (await http.get(address)).status_code == 400


async def test_who_polls_at_the_last_moment_hears_that_the_session_is_over(
    serve: Serve, poll: Callable[[str], Awaitable[tuple[httpx.AsyncClient, str]]]
) -> None:
    server = create_socket_server(frontend_url="https://shop.example")
    _, address = await poll(await serve(server))
    [connection] = server.eio.sockets.values()
    answers: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        answers.append(message)

    scope = {"type": "http", "method": "GET", "path": "/socket.io/", "headers": []}
    connection.end(Disconnect.PING_TIMEOUT)  # which takes a turn of the loop
    await server.handle_request({**scope, "query_string": address.partition("?")[2].encode()}, receive, send)
    assert answers[0]["status"] == 400


async def test_what_is_written_by_polling_is_answered_ok(http: httpx.AsyncClient) -> None:
    address = await opened(http)
    for content in (
        "40",
        '42["message",1]\x1e42["message",2]',
        '451-["message",{"_placeholder":true,"num":0}]\x1ebAQI=',
    ):
        answer = await http.post(address, content=content)
        assert (answer.status_code, answer.text, answer.headers["content-type"]) == (200, "ok", "text/html")


# Socket.IO


async def test_what_a_connect_handler_says_does_not_come_in_one_read_with_connect(url: str) -> None:
    """Who begins to listen when it is connected would miss it. A client that is held back for longer than the bridge
    waits reads both at once all the same, so another one tries."""
    async with asyncio.timeout(GIVE_UP_SECONDS):
        while not await reads_apart(url):
            pass


async def reads_apart(url: str) -> bool:
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    with contextlib.closing(writer):
        writer.write(
            b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
            b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        while not (await reader.read(65536)).endswith(b"}"):
            pass
        for connect_packet, connected, told in (
            (b"40", b"40{", b'42["auth",{}]'),
            (b"40/custom,", b"40/custom,{", b'42/custom,["auth",{}]'),
        ):
            writer.write(bytes([0x81, 0x80 + len(connect_packet)]) + bytes(4) + connect_packet)
            answer = await reader.read(65536)
            assert answer[2:].startswith(connected)
            if not answer.endswith(b"}"):
                assert answer.endswith(told)
                return False
            assert (await reader.read(65536))[2:] == told
    return True


async def test_a_client_that_leaves_the_main_namespace_stays_on_the_line(url: str, server: SocketServer) -> None:
    websocket = await joined(url)
    await websocket.send("41")
    await pass_seconds(server.eio.ping_interval)
    assert await hear(websocket) == "2"
    await websocket.send("3")
    await websocket.send("40")
    assert str(await hear(websocket)).startswith("40{")
    await websocket.close()


async def test_bytes_reach_those_who_poll_and_those_who_do_not(
    serve: Serve, poll: Callable[[str], Awaitable[tuple[httpx.AsyncClient, str]]]
) -> None:
    server = create_socket_server(frontend_url="https://shop.example")
    address = await serve(server)
    http, polled = await poll(address)
    await http.post(polled, content="40")
    await http.get(polled)
    first, second = await web_socket(address), await web_socket(address)
    for websocket in (first, second):
        await hear(websocket)
        await websocket.send("40")
        await hear(websocket)
    packet = '451-["picture",{"_placeholder":true,"num":0}]'
    await server.emit("picture", b"\x01\x02")
    assert (await http.get(polled)).text == f"{packet}\x1ebAQI="
    for websocket in (first, second):
        assert [await hear(websocket), await hear(websocket)] == [packet, b"\x01\x02"]
        await websocket.close()


async def test_a_client_connects_to_namespaces_with_what_it_brings(url: str) -> None:
    websocket = await web_socket(url)
    await hear(websocket)
    await websocket.send('40{"token":"123"}')
    assert json.loads(str(await hear(websocket))[2:]).keys() == {"sid"}
    assert await hear(websocket) == '42["auth",{"token":"123"}]'
    await websocket.send('40/custom,{"token":"456"}')
    assert str(await hear(websocket)).startswith('40/custom,{"sid":')
    assert await hear(websocket) == '42/custom,["auth",{"token":"456"}]'
    await websocket.send("40/random")
    assert await hear(websocket) == '44/random,{"message":"Invalid namespace"}'
    await websocket.send("41/custom")
    await websocket.send('420["message-with-ack",1]')
    assert await hear(websocket) == "430[1]"
    await websocket.close()


@pytest.mark.parametrize("wrong", ["4abc", "abc", "42{}", "42[]", "42abc", '42abc["message-with-ack",1]'])
async def test_a_client_that_sends_no_packet_is_closed(url: str, wrong: str) -> None:
    websocket = await joined(url)
    await websocket.send(wrong)
    await is_closed(websocket)


async def test_events_go_there_and_back_in_text_and_in_bytes(url: str) -> None:
    websocket = await joined(url)
    await websocket.send('42["message",1,"2",{"3":[true]}]')
    assert await hear(websocket) == '42["message-back",1,"2",{"3":[true]}]'
    await websocket.send('452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]')
    await websocket.send(b"\x01\x02\x03")
    await websocket.send(b"\x04\x05\x06")
    back = '452-["message-back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]'
    assert [await hear(websocket) for _ in range(3)] == [back, b"\x01\x02\x03", b"\x04\x05\x06"]
    await websocket.send('42456["message-with-ack",1,"2",{"3":[false]}]')
    assert await hear(websocket) == '43456[1,"2",{"3":[false]}]'
    await websocket.send('452-789["message-with-ack",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]')
    await websocket.send(b"\x01")
    await websocket.send(b"\x02")
    back = '462-789[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]'
    assert [await hear(websocket) for _ in range(3)] == [back, b"\x01", b"\x02"]
    await websocket.close()


async def test_a_client_that_never_connects_is_dropped(serve: Serve) -> None:
    server = create_socket_server(
        frontend_url="https://shop.example",
        ping_interval_seconds=2 * GIVE_UP_SECONDS,
        limits=Limits(connect_timeout_seconds=GIVE_UP_SECONDS),
    )
    address = await serve(server, is_patient=False)
    silent, present = await web_socket(address), await web_socket(address)
    await hear(silent)
    await hear(present)
    await present.send("40")
    assert str(await hear(present)).startswith("40{")
    await pass_seconds(GIVE_UP_SECONDS)
    with pytest.raises(ConnectionClosed):
        await hear(silent)
    await present.send('420["nothing"]')
    assert str(await hear(present)).startswith("430[")
    await present.close()
