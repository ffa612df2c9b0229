"""The clients of a benchmark: raw WebSockets that speak Socket.IO, connections for requests, and what they hear.

Every wait for the server ends after `answer_seconds`: one that falls silent has failed.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

__all__ = [
    "AT_ONCE",
    "HANDSHAKE",
    "HOSTS",
    "Client",
    "Heard",
    "Poster",
    "connect",
    "connect_each",
    "masked",
    "request_of",
    "until",
    "within",
]

HANDSHAKE = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
# A ping of the engine, which no JSON holds; and how events end.
PING, ENDS = b"\x81\x012", (b"}]", b'"]')
# A ping of the WebSocket itself, by which uvicorn finds out who is there; a browser answers it by itself. What only
# looks like one is answered too, which the protocol allows.
PROTOCOL_PING = re.compile(rb"\x89([\x00-\x7d])", re.DOTALL)
AT_ONCE = 64
# One address has not as many ports as a crowd needs to come from.
CLIENTS_PER_HOST = 10_000
HOSTS = tuple(f"127.0.0.{number}" for number in range(1, 10))
"""Where clients come from. A server is to trust those but the first, as proxies of clients of this machine: of all
others that come from one address it lets a few hundred in."""
FORWARDED = b"X-Forwarded-For: 127.0.0.1\r\n"

Awaited = TypeVar("Awaited")


async def within(seconds: float, what: str, waited_for: Awaitable[Awaited]) -> Awaited:
    """Waits for what may never come. Raises TimeoutError, which says what did not."""
    try:
        async with asyncio.timeout(seconds):
            return await waited_for
    except TimeoutError:
        raise TimeoutError(f"{what} did not come within {seconds:g} s") from None


def masked(text: bytes, kind: int = 0x81) -> bytes:
    """A frame as clients send it, with a mask of zeros."""
    length = bytes((0x80 | len(text),)) if len(text) < 126 else b"\xfe" + len(text).to_bytes(2)
    return bytes((kind,)) + length + b"\0\0\0\0" + text


@dataclass
class Heard:
    """What all clients heard together."""

    answer_seconds: float
    event: bytes = b'42["payment-update"'
    """How a frame of an event begins."""
    events: int = 0
    wanted: int = 0
    enough: asyncio.Event = field(default_factory=asyncio.Event)
    sent_at: float = 0.0
    seconds: list[float] = field(default_factory=list)
    timing: bool = False
    fault: ConnectionError | None = None
    lost_clients: int = 0
    """How many were cut off."""

    def more(self, events: int) -> None:
        self.events += events
        if self.timing:
            self.seconds += [time.perf_counter() - self.sent_at] * events
        if self.events >= self.wanted:
            self.enough.set()

    async def after(self, work: Awaitable[object], events: int) -> None:
        """Does something, and waits until all have heard so many events more."""
        self.wanted = self.events + events
        self.enough.clear()
        await work
        while self.events < self.wanted:
            if self.fault is not None:
                raise self.fault
            await within(self.answer_seconds, "an event for every client", self.enough.wait())

    def lost(self, cause: Exception | None) -> None:
        """A client was cut off, so what it was to hear will never come."""
        self.lost_clients += 1
        self.fault = ConnectionError(f"the server cut a client off: {cause or 'it closed the connection'}")
        self.enough.set()


class Client(asyncio.Protocol):
    """One client. It is connected when the server has answered its CONNECT."""

    auth = b""
    """What it brings with that."""
    handshake = HANDSHAKE

    def __init__(self, heard: Heard) -> None:
        self.heard = heard
        self._tail = b""
        self._leaves = False
        self.connected = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.write(self.handshake)

    def data_received(self, data: bytes) -> None:
        if self._tail:
            data = self._tail + data
        if not self.connected.done():
            self._connect(data)
        if PING in data:
            self._transport.write(masked(b"3"))
            data = data.replace(PING, b"")
        if b"\x89" in data:
            self._answer_pings(data)
        events = data.count(self.heard.event)
        if events:
            self.heard.more(events)
        # What is cut in two is found with the next part.
        self._tail = b"" if data.endswith(ENDS) else data[-(len(self.heard.event) - 1) :]

    def _answer_pings(self, data: bytes) -> None:
        for ping in PROTOCOL_PING.finditer(data):
            told = data[ping.end() : ping.end() + ping[1][0]]
            if len(told) == ping[1][0]:
                self._transport.write(masked(told, 0x8A))

    def _connect(self, data: bytes) -> None:
        if b'40{"sid"' in data:
            self.connected.set_result(None)
        elif b'0{"sid"' in data:
            self._transport.write(masked(b"40" + self.auth))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._leaves:
            self.heard.lost(exc)
        if not self.connected.done():
            self.connected.set_exception(ConnectionError("the server closed the connection"))

    def send(self, text: str) -> None:
        self._transport.write(masked(text.encode()))

    def stall(self) -> None:
        """From now on it reads nothing, and may be cut off."""
        self._leaves = True
        self._transport.pause_reading()

    def leave(self) -> None:
        self._leaves = True
        self._transport.abort()


class Poster(asyncio.Protocol):
    """One connection for requests, one after the other; opened anew if the server has closed it for being idle."""

    def __init__(self, port: int, answer_seconds: float) -> None:
        self._port = port
        self._answer_seconds = answer_seconds
        self._answered: asyncio.Future[bytes] | None = None
        self._answer = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, found, body = self._answer.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        is_whole = found and len(body) >= int(length[1] if length else 0)
        if is_whole and self._answered is not None and not self._answered.done():
            self._answered.set_result(self._answer)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answered is not None and not self._answered.done():
            cause = exc or "it closed the connection"
            self._answered.set_exception(ConnectionError(f"the server did not answer a request: {cause}"))

    async def open(self) -> None:
        connecting = asyncio.get_running_loop().create_connection(lambda: self, "127.0.0.1", self._port)
        await within(self._answer_seconds, "a connection for requests", connecting)

    async def post(self, request: bytes) -> bytes:
        if self._transport.is_closing():
            await self.open()
        self._answered, self._answer = asyncio.get_running_loop().create_future(), b""
        self._transport.write(request)
        answer = await within(self._answer_seconds, "the answer to a request", self._answered)
        if not answer.startswith(b"HTTP/1.1 2"):
            raise ValueError(f"the server answered {answer[:600]!r}")
        return answer


def request_of(path: str, body: str, headers: str = "") -> bytes:
    content = body.encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{headers}"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


async def connect(port: int, clients: int, heard: Heard) -> list[Client]:
    made = [Client(heard) for _ in range(clients)]
    await connect_each(port, made)
    return made


async def connect_each(port: int, clients: Sequence[Client]) -> None:
    loop = asyncio.get_running_loop()
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(client: Client, host: str) -> None:
        seconds = client.heard.answer_seconds
        if host != HOSTS[0]:
            client.handshake = client.handshake.removesuffix(b"\r\n") + FORWARDED + b"\r\n"
        async with gate:
            connecting = loop.create_connection(lambda: client, "127.0.0.1", port, local_addr=(host, 0))
            await within(seconds, "a client's connection", connecting)
            await within(seconds, "the answer to a client's CONNECT", client.connected)

    await asyncio.gather(*(one(client, HOSTS[number // CLIENTS_PER_HOST]) for number, client in enumerate(clients)))


async def until(holds: Callable[[], bool]) -> None:
    """What another process does signals nothing to this one."""
    while not holds():  # noqa: ASYNC110
        await asyncio.sleep(0.01)
