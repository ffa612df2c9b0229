"""What becomes of a client for each packet that it sends over its WebSocket, asked of the reference server as well:
it is closed by both or by neither, but for what is in `OTHERWISE`, which docs/front-end.md tells."""

import asyncio
from collections.abc import Awaitable, Callable

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from bridge.sockets import create_socket_server
from tests.bridge.sockets.transport.test_refusals import SHOP, reference
from tests.waiting import GIVE_UP_SECONDS

__all__ = ["reference"]

BEFORE_CONNECT = ("40", '40{"a":1}', "40[1]", '40"x"', "40{", '42["x"]', "41", "1", "2", "6", "9", "x", "40/foo,")
AFTER_CONNECT = (
    *("40", "41", '41{"a":1}', "41[]", '42["x"]', '42{"a":1}', "42[]", "42[{}]", "4", "437[1]", "43[1]", '44{"a":1}'),
    *('42["connect"]', '42["disconnecting"]', '450-["x"]', '451-["x"]', "48", "0", "1", "2", "5", "6", "7", "9", "x"),
)
OTHERWISE = {
    ("", "1"): "closed here",
    ("", "2"): "open here",
    ("40", "2"): "open here",
    ("40", "40"): "open here",
    ("40", "43[1]"): "closed here",
    ("40", '450-["x"]'): "open here",
    ("", "41"): "open here",
    ("40", '42["connect"]'): "open here",
    ("40", '42["disconnecting"]'): "open here",
    ("40", "1"): "closed here",
    ("40", "0"): "closed here",
}


async def becomes(url: str, first: str, packet: str) -> str:
    """Whether a client is closed for a packet, or was still there when two pings had come since."""
    address = url.replace("http", "ws", 1) + "/socket.io/?EIO=4&transport=websocket"
    async with asyncio.timeout(GIVE_UP_SECONDS), connect(address) as socket:
        assert (await heard(socket)).startswith("0{")
        if first:
            await socket.send(first)
            while not (await heard(socket)).startswith("40"):
                pass
        await socket.send(packet)
        pings = 0
        try:
            while pings < 2:
                pings += await heard(socket) == "2"
        except ConnectionClosed:
            return "closed"
    return "open"


async def heard(socket: ClientConnection) -> str:
    said = str(await socket.recv())
    if said == "2":
        await socket.send("3")
    return said


async def test_a_client_is_closed_for_what_the_reference_server_closes_it_for(
    serve: Callable[..., Awaitable[str]], reference: str
) -> None:
    server = create_socket_server(frontend_url=SHOP, ping_interval_seconds=0.2, ping_timeout_seconds=GIVE_UP_SECONDS)
    url = await serve(server, is_patient=False)
    asked = [*(("", one) for one in BEFORE_CONNECT), *(("40", one) for one in AFTER_CONNECT)]
    ours = await asyncio.gather(*(becomes(url, first, one) for first, one in asked))
    theirs = await asyncio.gather(*(becomes(reference, first, one) for first, one in asked))
    otherwise = {
        question: f"{own} here" for question, own, their in zip(asked, ours, theirs, strict=True) if own != their
    }
    assert otherwise == OTHERWISE
