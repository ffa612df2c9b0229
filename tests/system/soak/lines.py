"""A bare connection to the bridge, over either transport, that its owner can cut, leave unread or abandon."""

import asyncio
import json
import socket
from collections import deque
from typing import Protocol

import aiohttp

__all__ = ["Line", "PollingLine", "WebSocketLine"]

HANDSHAKE = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
CLOSE = 8
# Small, so that what a client does not read soon waits with the bridge.
RECEIVE_BUFFER_BYTES = 8_192
POLLING = "/socket.io/?EIO=4&transport=polling"


class Line(Protocol):
    """What a client needs of a transport. Each of them raises OSError or EOFError when the line is dead."""

    async def open(self) -> None: ...

    async def send(self, text: str) -> None: ...

    async def receive(self, until: float) -> str | None:
        """The next packet; None if there is none until a moment of the loop's clock."""

    async def cut(self) -> None:
        """Ends the line without a word."""


class WebSocketLine:
    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._writer: asyncio.StreamWriter | None = None

    async def open(self) -> None:
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        raw.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(raw, self._address)
            self._reader, self._writer = await asyncio.open_connection(sock=raw, limit=RECEIVE_BUFFER_BYTES)
        except BaseException:
            raw.close()
            raise
        self._writer.write(HANDSHAKE)
        head = await self._reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            raise OSError(f"the WebSocket was refused: {head!r}")

    async def send(self, text: str) -> None:
        if self._writer is None or self._writer.transport.is_closing():
            raise EOFError("the line is dead")
        payload = text.encode()
        length = len(payload)
        head = bytes((0x81, 0x80 | length)) if length < 126 else b"\x81\xfe" + length.to_bytes(2, "big")
        self._writer.write(head + b"\0\0\0\0" + payload)

    async def receive(self, until: float) -> str | None:
        try:
            async with asyncio.timeout_at(until):
                first, length = await self._reader.readexactly(2)
        except TimeoutError:
            return None
        if length >= 126:
            length = int.from_bytes(await self._reader.readexactly(2 if length == 126 else 8), "big")
        payload = await self._reader.readexactly(length)
        if first & 0x0F == CLOSE:
            raise EOFError("the server closed the connection")
        return payload.decode()

    async def cut(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()


class PollingLine:
    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http
        self._address = POLLING
        self._came: deque[str] = deque()

    async def open(self) -> None:
        [opened] = await self._poll()
        self._address = f"{POLLING}&sid={json.loads(opened[1:])['sid']}"
        self._came.append(opened)

    async def _poll(self) -> list[str]:
        try:
            async with self._http.get(self._address) as answer:
                if answer.status != 200:
                    raise EOFError("the session is over")
                return (await answer.text()).split("\x1e")
        except aiohttp.ClientError as error:
            raise EOFError(str(error)) from None

    async def send(self, text: str) -> None:
        try:
            async with self._http.post(self._address, data=text) as answer:
                if answer.status != 200:
                    raise EOFError("the session is over")
        except aiohttp.ClientError as error:
            raise EOFError(str(error)) from None

    async def receive(self, until: float) -> str | None:
        # A poll that has begun is waited for, since what it brings would be lost; a ping ends it soon enough.
        if not self._came and asyncio.get_running_loop().time() >= until:
            return None
        if not self._came:
            self._came += await self._poll()
        return self._came.popleft()

    async def cut(self) -> None:
        """It is enough not to come back."""
