"""The handshake of a WebSocket (RFC 6455, section 4.2): what a client asks, and how it is answered. No I/O."""

import asyncio
import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

__all__ = ["Answer", "Request", "accepting", "response"]

TEXT = b"text/plain; charset=utf-8"
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
VERSION = b"13"

Answer = tuple[HTTPStatus, list[tuple[bytes, bytes]], bytes]
"""An answer that opens nothing: its status, its headers and its body."""


class Request:
    """A request that asks for a WebSocket, with the headers under lowercase names."""

    def __init__(self, path: str, raw_path: bytes, query: bytes, headers: list[tuple[bytes, bytes]]) -> None:
        self._path, self._raw_path, self._query = path, raw_path, query
        self._headers = headers
        self._found = dict(headers)

    @property
    def fault(self) -> Answer | None:
        """How it is answered if it is wrong. That it is a GET that asks for an upgrade, the front door has seen."""
        if self._found.get(b"sec-websocket-version") != VERSION:
            asked_for = [(b"upgrade", b"websocket"), (b"sec-websocket-version", VERSION)]
            return HTTPStatus.UPGRADE_REQUIRED, asked_for, b"WebSockets here are of version 13"
        try:
            key = base64.b64decode(self._found.get(b"sec-websocket-key", b""), validate=True)
        except binascii.Error:
            key = b""
        if len(key) != 16:
            return HTTPStatus.BAD_REQUEST, [], b"Sec-WebSocket-Key is not 16 bytes in base64"
        return None

    @property
    def accept_key(self) -> bytes:
        """What proves to the client that its handshake was understood."""
        digest = hashlib.sha1(self._found[b"sec-websocket-key"] + GUID, usedforsecurity=False).digest()
        return base64.b64encode(digest)

    def scope(self, transport: asyncio.BaseTransport, *, root_path: str) -> dict[str, Any]:
        """What an ASGI application is told of it."""
        peer, own = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        offered = self._found.get(b"sec-websocket-protocol", b"").decode("latin-1")
        return {
            "type": "websocket",
            "http_version": "1.1",
            "scheme": "wss" if transport.get_extra_info("sslcontext") else "ws",
            "server": tuple(own[:2]) if isinstance(own, tuple) else None,
            "client": tuple(peer[:2]) if isinstance(peer, tuple) else None,
            "root_path": root_path,
            "path": root_path + self._path,
            "raw_path": root_path.encode() + self._raw_path,
            "query_string": self._query,
            "headers": self._headers,
            "subprotocols": [name.strip() for name in offered.split(",") if name.strip()],
        }


def accepting(accept_key: bytes, message: Mapping[str, Any]) -> list[tuple[bytes, bytes]]:
    """The headers with which a WebSocket begins, as an ASGI application's `websocket.accept` says."""
    headers = [(b"Upgrade", b"websocket"), (b"Connection", b"Upgrade"), (b"Sec-WebSocket-Accept", accept_key)]
    headers += message.get("headers", [])
    if message.get("subprotocol"):
        headers.append((b"Sec-WebSocket-Protocol", message["subprotocol"].encode()))
    return headers


def response(status: HTTPStatus, headers: Iterable[tuple[bytes, bytes]], body: bytes = b"") -> bytes:
    """An answer. Any but that the protocol is switched ends the connection."""
    all_headers = list(headers)
    if status != HTTPStatus.SWITCHING_PROTOCOLS:
        names = {name.lower() for name, _ in all_headers}
        of_body = [(b"content-type", TEXT), (b"content-length", b"%d" % len(body))]
        all_headers += [header for header in of_body if header[0] not in names]
        all_headers.append((b"connection", b"close"))
    lines = [b"%s: %s" % header for header in all_headers]
    return b"\r\n".join([b"HTTP/1.1 %d %s" % (status, status.phrase.encode()), *lines, b"", body])
