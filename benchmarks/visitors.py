"""Clients that are recovered: they know their session and the last offset that they heard, and bring back both."""

import asyncio
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.clients import HANDSHAKE, masked, within

__all__ = ["BACK_OFF_SECONDS", "Visitor"]

BACK_OFF_SECONDS = (0.5, 1.5)
"""Between these socket.io-client waits before it comes back for the first time."""
ROOM = '420["join-request-room","news"]'
EVENT = '42["purchase-request-update"'
SHORT = 126
"""From which length on a frame has two bytes more for it, and eight for one more than that."""


@dataclass
class Visitor:
    """One client, over all its connections."""

    answer_seconds: float
    numbers: list[int] = field(default_factory=list)
    """Of the events that it heard."""
    is_recovered: bool = False
    auth: dict[str, str] = field(default_factory=dict)
    session_id: str = ""
    wanted: int = 0
    """The event up to which it has missed some."""
    caught_up: asyncio.Event = field(default_factory=asyncio.Event)

    async def arrive(self, port: int, gate: asyncio.Semaphore) -> "asyncio.Future[None]":
        """Connects and joins the room; gives what is done once the connection is lost."""
        async with gate:
            _, visit = await asyncio.get_running_loop().create_connection(lambda: Visit(self), "127.0.0.1", port)
            await within(self.answer_seconds, "the answer to a client's CONNECT", visit.connected)
            visit.send(ROOM)
            await within(self.answer_seconds, "the answer to a client that joins", visit.joined)
        return visit.lost

    async def come_back(self, port: int, lost: "asyncio.Future[None]", told: Callable[[], int]) -> float:
        """Once its connection is lost, and after its back-off, as a client would; returns how many seconds later it
        had all that was told until it came."""
        await lost
        await asyncio.sleep(random.uniform(*BACK_OFF_SECONDS))  # noqa: S311 (nobody is to be surprised)
        began, self.wanted = time.perf_counter(), told()
        _, visit = await asyncio.get_running_loop().create_connection(lambda: Visit(self), "127.0.0.1", port)
        await within(self.answer_seconds, "the answer to the CONNECT of a client that comes back", visit.connected)
        self.check()
        await within(self.answer_seconds, "what a client has missed", self.caught_up.wait())
        return time.perf_counter() - began

    def hear(self, number: int, offset: str) -> None:
        self.numbers.append(number)
        self.auth["offset"] = offset
        self.check()

    def check(self) -> None:
        if self.numbers and self.numbers[-1] + 1 >= self.wanted:
            self.caught_up.set()

    def connected(self, session_id: str, private_id: str) -> None:
        self.is_recovered = session_id == self.session_id
        self.session_id, self.auth["pid"] = session_id, private_id


class Visit(asyncio.Protocol):
    """One connection of a visitor."""

    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor
        self._unread = b""
        self._is_open = False
        loop = asyncio.get_running_loop()
        self.connected: asyncio.Future[None] = loop.create_future()
        self.joined: asyncio.Future[None] = loop.create_future()
        self.lost: asyncio.Future[None] = loop.create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.write(HANDSHAKE)

    def connection_lost(self, exc: Exception | None) -> None:
        for waiting in (self.connected, self.joined):
            if not waiting.done():
                waiting.set_exception(exc or ConnectionError("the server closed the connection"))
                waiting.exception()  # there may be nobody to hear of it
        self.lost.set_result(None)

    def data_received(self, data: bytes) -> None:
        self._unread += data
        if not self._is_open:
            _, is_whole, rest = self._unread.partition(b"\r\n\r\n")
            if not is_whole:
                return
            self._is_open, self._unread = True, rest
        while (text := self._next_text()) is not None:
            self._hear(text)

    def _next_text(self) -> str | None:
        """That of the next frame, once all of it is there."""
        unread = self._unread
        if len(unread) < 2:
            return None
        length, begin = unread[1], 2
        if length >= SHORT:
            begin += 2 if length == SHORT else 8
            length = int.from_bytes(unread[2:begin], "big")
        if len(unread) < begin + length:
            return None
        self._unread = unread[begin + length :]
        return unread[begin : begin + length].decode(errors="replace")

    def send(self, text: str) -> None:
        self._transport.write(_frame(text))

    def _hear(self, text: str) -> None:
        if text == "2":
            self.send("3")
        elif text.startswith("0{"):
            self.send(f"40{json.dumps(self._visitor.auth)}" if self._visitor.auth else "40")
        elif text.startswith("40{"):
            answer = json.loads(text[2:])
            self._visitor.connected(answer["sid"], answer["pid"])
            self.connected.set_result(None)
        elif text.startswith("430"):
            self.joined.set_result(None)
        elif text.startswith(EVENT):
            _, data, offset = json.loads(text[2:])
            self._visitor.hear(int(data["type"]), offset)


def _frame(text: str) -> bytes:
    """As `masked`, also of more than 125 bytes."""
    content = text.encode()
    if len(content) < SHORT:
        return masked(content)
    return b"\x81\xfe" + len(content).to_bytes(2, "big") + b"\0\0\0\0" + content
