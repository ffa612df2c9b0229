"""Events and acknowledgements: traps of python-socketio that `bridge/sockets/server.py` takes away.

Each scenario runs twice: against our server, where it must go well, and against the stock library, where the defect
must show. A stock case that fails means that the library has changed: read `server.py` again before raising its pin.
"""

import asyncio
import json
from typing import Any

import pytest
import socketio

from tests.bridge.sockets.traps import Dial, Make, Serve, hear, offer_fence, on_both, ours

INTERNAL = {"ok": False, "error": {"code": "internal", "message": "the server failed to handle this event"}}
UNKNOWN = {"ok": False, "error": {"code": "unknown_event", "message": "this server has no such event"}}


class Answers:
    """Handlers that end in different ways."""

    async def raises(self, sid: str) -> None:
        raise RuntimeError("the inner secret")

    def raises_at_once(self, sid: str) -> None:
        raise RuntimeError("the inner secret")

    async def is_cancelled(self, sid: str) -> None:
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future

    async def unsendable(self, sid: str) -> object:
        return object()

    async def takes_one(self, sid: str, argument: str) -> None:
        return None


@on_both(INTERNAL, None)
@pytest.mark.parametrize("event", ["raises", "raises_at_once", "is_cancelled", "unsendable", "takes_one"])
async def test_a_failing_handler_answers_instead_of_silence(
    serve: Serve, dial: Dial, caplog: pytest.LogCaptureFixture, make: Make, expected: object, event: str
) -> None:
    server = make()
    offer_fence(server)
    server.on(event, getattr(Answers(), event))
    websocket = await dial(await serve(server))
    await websocket.send("40")
    await hear(websocket)

    await websocket.send(f'421["{event}"]')
    await websocket.send('422["fence"]')
    heard = await hear(websocket)

    if make is ours:
        assert json.loads(heard.removeprefix("431")) == [expected]
        assert [record.exc_info is not None for record in caplog.records if record.name == "bridge.sockets"] == [True]
        assert await hear(websocket) == '432["reached"]'
    elif event == "is_cancelled":
        assert heard == "431[]"  # as if all was well
    else:
        assert heard == '432["reached"]'


@on_both([UNKNOWN], None)
@pytest.mark.parametrize("event", ["no-such-event", "*", "connect", "disconnect", ""])
async def test_an_event_nobody_handles_is_answered_and_calls_nothing(
    serve: Serve, dial: Dial, make: Make, expected: object, event: str
) -> None:
    server = make()
    offer_fence(server)
    websocket = await dial(await serve(server))
    await websocket.send("40")
    await hear(websocket)

    await websocket.send(f'421["{event}"]')
    await websocket.send('422["fence"]')
    heard = await hear(websocket)

    if make is ours:
        assert json.loads(heard.removeprefix("431")) == expected
    else:
        assert heard == '432["reached"]'


@on_both([], ["called by the client"])
async def test_a_client_cannot_call_the_disconnect_handler_as_an_event(
    serve: Serve, dial: Dial, make: Make, expected: list[str]
) -> None:
    server = make()
    offer_fence(server)
    reasons: list[str] = []
    server.on("disconnect", lambda sid, reason: reasons.append(reason))
    websocket = await dial(await serve(server))
    await websocket.send("40")
    await hear(websocket)

    await websocket.send('42["disconnect","called by the client"]')
    await websocket.send('422["fence"]')
    await hear(websocket)

    assert reasons == expected


@on_both([[UNKNOWN], ["yes"]], [[], ["yes"]])
async def test_a_class_based_namespace_knows_which_events_it_has(
    serve: Serve, dial: Dial, make: Make, expected: list[Any]
) -> None:
    server = make()

    class Known(socketio.AsyncNamespace):  # type: ignore[misc]  # python-socketio ships no types
        async def on_known(self, sid: str) -> str:
            return "yes"

    server.register_namespace(Known("/known"))
    websocket = await dial(await serve(server))
    await websocket.send("40/known,")
    await hear(websocket)
    await websocket.send('42/known,1["other"]')
    await websocket.send('42/known,2["known"]')

    answers = [json.loads((await hear(websocket))[len("43/known,1") :]) for _ in range(2)]

    assert answers == expected
