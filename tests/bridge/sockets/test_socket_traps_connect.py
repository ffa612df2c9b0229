"""Connecting: traps of python-socketio that `bridge/sockets/server.py` takes away.

Each scenario runs twice: against our server, where it must go well, and against the stock library, where the defect
must show. A stock case that fails means that the library has changed: read `server.py` again before raising its pin.
"""

import asyncio
from typing import Any

import pytest
import socketio
from websockets.asyncio.client import ClientConnection

from tests.bridge.sockets.traps import (
    Dial,
    Eventually,
    Make,
    Serve,
    hear,
    hung_up,
    offer_fence,
    on_both,
    ours,
    remains,
    stock,
)


async def hear_until(websocket: ClientConnection, beginning: str) -> list[str]:
    """All messages up to and including the first with a given beginning, each cut to its type and event."""
    heard: list[str] = []
    while not heard or not heard[-1].startswith(beginning):
        heard.append(await hear(websocket))
    return [message if message.startswith("42") else message[: len(beginning)] for message in heard]


@on_both(["40", "43"], ['42["secret"]', '42["secret of the room"]', "40", "43"])
async def test_nobody_hears_a_broadcast_before_its_connect(
    serve: Serve, dial: Dial, make: Make, expected: list[str]
) -> None:
    server = make()
    entered, opened = asyncio.Event(), asyncio.Event()

    async def connect(sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        await server.enter_room(sid, "sellers")
        entered.set()
        await opened.wait()

    server.on("connect", connect)
    offer_fence(server)
    websocket = await dial(await serve(server))
    await websocket.send("40")
    await entered.wait()

    await server.emit("secret")
    await server.emit("secret of the room", to="sellers")
    opened.set()
    heard = [] if expected[0] == "40" else [await hear(websocket), await hear(websocket)]
    heard += await hear_until(websocket, "40")
    await websocket.send('420["fence"]')
    heard += await hear_until(websocket, "43")

    assert heard == expected


@on_both(["40", '42["one",1]', '42["two",2,3]', '42["three"]'], ['42["one",1]', '42["two",2,3]', '42["three"]', "40"])
async def test_what_a_connect_handler_sends_to_its_own_client_comes_right_after_connect(
    serve: Serve, dial: Dial, make: Make, expected: list[str]
) -> None:
    server = make()

    async def connect(sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        await server.emit("one", 1, to=sid)
        await server.emit("two", (2, 3), room=[sid, "elsewhere"])
        await server.emit("not for this one", to=sid, skip_sid=sid)
        await server.emit("three", to=sid)

    server.on("connect", connect)
    websocket = await dial(await serve(server))
    await websocket.send("40")

    heard = [await hear(websocket) for _ in range(4)]

    assert [message if message.startswith("42") else message[:2] for message in heard] == expected


async def test_held_binary_and_acknowledged_events_come_whole(
    serve: Serve, dial: Dial, eventually: Eventually
) -> None:
    server = ours()
    acknowledged: list[str] = []

    async def connect(sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        await server.emit("picture", b"\x01\x02", to=sid)
        await server.emit("question", to=sid, callback=acknowledged.append)

    server.on("connect", connect)
    websocket = await dial(await serve(server))
    await websocket.send("40")

    assert (await hear(websocket)).startswith("40")
    assert await hear(websocket) == '451-["picture",{"_placeholder":true,"num":0}]'
    assert await websocket.recv() == b"\x01\x02"
    assert await hear(websocket) == '421["question"]'
    await websocket.send('431["answer"]')
    await eventually(lambda: acknowledged == ["answer"])


@on_both(
    ['44{"message":"The server could not accept the connection"}', "40/fence,"],
    ['42["secret"]', "40/fence,"],
)
@pytest.mark.parametrize("error", [RuntimeError("inner"), TypeError("inner"), KeyError("inner"), OSError("inner")])
async def test_a_raising_connect_handler_refuses_the_client(
    serve: Serve,
    dial: Dial,
    eventually: Eventually,
    caplog: pytest.LogCaptureFixture,
    make: Make,
    expected: list[str],
    error: Exception,
) -> None:
    server = make()
    raised = asyncio.Event()

    async def connect(sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        await server.enter_room(sid, "sellers")
        raised.set()
        raise error

    server.on("connect", connect)
    offer_fence(server)
    websocket = await dial(await serve(server))
    await websocket.send("40")
    await raised.wait()
    await websocket.send("40/fence,")  # read only after the CONNECT before it was dealt with
    await eventually(lambda: "/fence" in server.manager.rooms)
    await server.emit("secret")
    await websocket.send("41/fence,")
    await eventually(lambda: "/fence" not in server.manager.rooms)
    await websocket.close()
    heard = [str(message) async for message in websocket]
    await eventually(lambda: hung_up(server))

    assert {message.partition("{")[0] if "/fence" in message else message for message in heard} == set(expected)
    assert remains(server) is (make is stock)
    if make is ours:
        assert [record.exc_info[1] for record in caplog.records if record.exc_info] == [error]


@on_both("44", "40")
@pytest.mark.parametrize("cancel", ["the task", "what it waits for"])
async def test_a_cancelled_connect_handler_refuses_the_client(
    serve: Serve, dial: Dial, eventually: Eventually, make: Make, expected: str, cancel: str
) -> None:
    server = make()
    waiting: asyncio.Queue[Any] = asyncio.Queue()

    async def connect(sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        future = asyncio.get_running_loop().create_future()
        waiting.put_nowait(asyncio.current_task() if cancel == "the task" else future)
        await future

    server.on("connect", connect)
    websocket = await dial(await serve(server))
    await websocket.send("40")
    (await waiting.get()).cancel()

    assert (await hear(websocket)).startswith(expected)
    if make is ours:
        await eventually(lambda: not server.manager.rooms)
    await websocket.close()
    await eventually(lambda: hung_up(server))
    assert not remains(server)


async def test_a_cancelled_class_based_connect_handler_refuses_the_client(serve: Serve, dial: Dial) -> None:
    server = ours()
    tasks: asyncio.Queue[Any] = asyncio.Queue()

    class Cancelled(socketio.AsyncNamespace):  # type: ignore[misc]  # python-socketio ships no types
        async def on_connect(self, sid: str, environ: dict[str, Any]) -> None:
            tasks.put_nowait(asyncio.current_task())
            await asyncio.Event().wait()

    server.register_namespace(Cancelled("/"))
    websocket = await dial(await serve(server))
    await websocket.send("40")
    (await tasks.get()).cancel()

    assert (await hear(websocket)).startswith("44")
    assert not server.manager.rooms


@on_both((1, ["old"]), (2, []))
async def test_a_connect_handler_is_called_once_whatever_it_raises(
    serve: Serve, dial: Dial, eventually: Eventually, make: Make, expected: tuple[int, list[str]]
) -> None:
    """Stock calls a handler again after a TypeError of its own, and one without `auth` not at all if there is one."""
    server = make()
    calls: list[int] = []
    old: list[str] = []

    def connect(sid: str, environ: dict[str, Any], *auth: Any) -> None:
        calls.append(1)
        raise TypeError("of its own")

    server.on("connect", connect)
    server.on("connect", lambda sid, environ: old.append("old"), namespace="/old")
    websocket = await dial(await serve(server))
    await websocket.send("40")
    await websocket.send('40/old,{"token":"t"}')
    await websocket.close()
    await eventually(lambda: hung_up(server))

    assert (len(calls), old) == expected
