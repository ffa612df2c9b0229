"""Polling: how one client that polls is answered, and how it changes over to a WebSocket."""

import asyncio
import contextlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from engineio.packet import CLOSE, PING, PONG, UPGRADE, Packet

from bridge.sockets.transport.disconnects import Disconnect
from bridge.sockets.transport.incoming import Message, Receive, Send, received
from bridge.sockets.transport.states import State, Trigger

if TYPE_CHECKING:
    from bridge.sockets.transport.connection import Connection

__all__ = ["Polling", "answer_polls"]

# That of the reference server: how long it lets an upgrade take.
UPGRADE_SECONDS = 10.0
# How long a poll that has nothing to bring may wait for an upgrade that is under way. The client waits for it before
# it changes over, and sends nothing in the meantime. One that polls on is not answered at once, over and over.
UPGRADE_POLL_SECONDS = 0.01
# So many turns of the event loop it takes at most until what lies at a socket is read and handed on.
TURNS_TO_READ = 5
# Of a mark; those of clients have a dozen. It is kept for as long as the client stays.
MARK_LIMIT_CHARACTERS = 100


def answer_polls(connections: Iterable["Connection"]) -> None:
    """Answers all polls that wait, be it with nothing: a server that stops would wait for each of them."""
    for connection in connections:
        if connection.protocol is None:
            connection.writer.backlog.wake()


async def _read(coming: "asyncio.Future[str | bytes | None]") -> None:
    """Until what has come by now is read, if it is there: who changes over in one breath with its probe polls no
    more, as for the reference server."""
    for _ in range(TURNS_TO_READ):
        if not coming.done():
            await asyncio.sleep(0)


class Polling:
    """The polls of one client, of which one at a time may wait. What it hears over the WebSocket that it tries out is
    nothing but the words of the protocol: until it has changed over, all that is for it goes out with its polls."""

    def __init__(self) -> None:
        self.waits = False
        """Whether a poll is waiting."""
        self._last: dict[str, str] = {}
        """By method, the mark (`t`) of the last request that was answered."""

    def is_repeat(self, method: str, mark: str | None) -> bool:
        """Whether a request is the last one once more. Clients mark each with another `t`; where the answer to one is
        lost, browsers send it again by themselves, and tell nobody. A number is no mark: some clients give the second
        in which they ask."""
        return mark is not None and not mark.isdigit() and self._last.get(method) == mark

    def note(self, method: str, mark: str | None) -> None:
        """A request is answered."""
        if mark is not None and len(mark) <= MARK_LIMIT_CHARACTERS:
            self._last[method] = mark

    async def answer(self, connection: "Connection", receive: Receive) -> list[Any] | None:
        """What a poll is answered with; None if it is refused. Of two at once, which no client makes, the second is,
        and the first is the last: what they are told would have no order."""
        if self.waits:
            connection.writer.backlog.add(Packet(CLOSE))
            await connection.finish(Disconnect.POLLED_TWICE)
            return None
        self.waits = True

        def broke_off(gone: "asyncio.Future[Message]") -> None:
            """The client of the poll is there no more, and would not hear what it were answered."""
            if not gone.cancelled() and gone.exception() is None:
                connection.end(Disconnect.POLL_BROKE_OFF)

        gone = asyncio.ensure_future(receive())
        gone.add_done_callback(broke_off)
        try:
            await self._wait(connection)
        finally:
            self.waits = False
            gone.remove_done_callback(broke_off)
            gone.cancel()
        return None if connection.upgraded else await connection.poll()

    async def _wait(self, connection: "Connection") -> None:
        """Until there is something to say, or nothing more to wait for."""
        backlog = connection.writer.backlog
        if not len(backlog) and connection.is_present:
            # One that comes while the client changes over has overtaken the answer to its probe.
            is_changing_over = connection.state is State.CHANGING_OVER
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(UPGRADE_POLL_SECONDS if is_changing_over else None):
                    await backlog.wake_up()

    async def change_over(self, connection: "Connection", receive: Receive, send: Send) -> None:
        """The change to a WebSocket, in the words of the protocol, if it comes about."""
        connection.move(Trigger.TRIED)
        outcome = Trigger.BROKE_OFF
        try:
            async with asyncio.timeout(UPGRADE_SECONDS):
                if await received(receive) != f"{PING}probe":
                    return
                connection.move(Trigger.PROBED)
                await send({"type": "websocket.send", "text": f"{PONG}probe"})
                coming = asyncio.ensure_future(received(receive))
                try:
                    await _read(coming)
                    if not coming.done():
                        connection.writer.backlog.wake()  # for the poll that waits
                    if await coming == str(UPGRADE):
                        outcome = Trigger.UPGRADED
                finally:
                    coming.cancel()
        except TimeoutError:
            pass
        finally:
            connection.move(outcome)
            connection.writer.backlog.wake()
