"""Response heads: those of neighbours' answers, bounded. httpcore passes over as many interim answers (1xx; RFC 9110,
section 15.2) as come, in the time of everybody else."""

import asyncio
import ssl
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any

import httpcore
import httpx

__all__ = ["Connects", "ResponseHead", "awaited", "bound_heads"]

# As much as the bridge's own front door reads. Those of SHKeeper and of nodes have some hundred bytes.
HEAD_LIMIT_BYTES = 65_536
# What is read at once comes to so many interim answers that they take a millisecond or two; then others take turns.
PIECE_BYTES = 2_048


Connects = Callable[[httpcore.AsyncNetworkBackend], httpcore.AsyncNetworkBackend]
"""What makes connections in its own way, by what would make them otherwise."""


class ResponseHead:
    """That of one answer, while it comes."""

    __slots__ = ("is_whole", "left_bytes")

    def __init__(self) -> None:
        self.is_whole = False
        self.left_bytes = HEAD_LIMIT_BYTES


awaited: ContextVar[ResponseHead | None] = ContextVar("awaited", default=None)
"""The head that is waited for in this task."""


class _Stream(httpcore.AsyncNetworkStream):
    """A connection of which no more is read for a head than it may have."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 (httpcore's name)
        head = awaited.get()
        if head is None or head.is_whole:
            return await self._stream.read(max_bytes, timeout)
        if head.left_bytes <= 0:
            raise httpcore.RemoteProtocolError(f"a head of more than {HEAD_LIMIT_BYTES} bytes")
        data = await self._stream.read(min(max_bytes, PIECE_BYTES, head.left_bytes), timeout)
        head.left_bytes -= len(data)
        await asyncio.sleep(0)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore.AsyncNetworkStream:
        return _Stream(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore.AsyncNetworkBackend):
    """Makes such connections."""

    def __init__(self, backend: httpcore.AsyncNetworkBackend) -> None:
        self._backend = backend

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return _Stream(await self._backend.connect_tcp(host, port, timeout, local_address, socket_options))

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return _Stream(await self._backend.connect_unix_socket(path, timeout, socket_options))

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)


def bound_heads(client: httpx.AsyncClient, connects: Connects | None = None) -> httpx.AsyncClient:
    """The same client, with bounds, which connects in a way of its own if one is given. httpx lets nobody choose how
    its connections are made, so this reaches into it, for the proxies of the environment too; `test_answers.py` shows
    that they are bounded."""
    for transport in (client._transport, *client._mounts.values()):
        if isinstance(transport, httpx.AsyncHTTPTransport):
            pool = transport._pool
            backend = pool._network_backend
            pool._network_backend = _Backend(backend if connects is None else connects(backend))
    return client
