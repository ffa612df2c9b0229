"""Answers as they go over the wire: their first line, and what the front door answers by itself. No I/O."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any

__all__ = ["CONTINUE", "NOT_STORED", "STOPPING", "TOO_MANY", "problem", "status_line", "too_often"]

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
NOT_STORED = (b"cache-control", b"no-store")
"""On every answer that does not say how long it is good: what is shown to one is nothing for the next, and a proxy
that caches need not know that a header said who asked."""
TOO_OFTEN = "Your address asks for too much at once; ask again in a second."
TOO_MANY = "There are too many connections; try again in a while."
STOPPING = "The bridge stops before the request has come whole; nothing was done, so send it again."
STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}


def status_line(status: int) -> bytes:
    """How an answer begins."""
    return STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status


def problem(status: HTTPStatus, detail: str, headers: list[tuple[bytes, bytes]]) -> bytes:
    """A whole answer that closes the connection: a problem document (RFC 9457)."""
    content = _document(status, detail)
    all_headers = [
        *headers,
        (b"content-type", b"application/problem+json"),
        (b"content-length", b"%d" % len(content)),
        NOT_STORED,
        (b"connection", b"close"),
    ]
    return b"".join(
        [status_line(status.value), *(b"%b: %b\r\n" % header for header in all_headers), b"\r\n", content]
    )


async def too_often(scope: MutableMapping[str, Any], send: Callable[[Any], Awaitable[None]]) -> None:
    """The same for who has asked for too much, as ASGI has it; for a WebSocket that is not open yet too."""
    kind = "websocket.http.response" if scope["type"] == "websocket" else "http.response"
    status = HTTPStatus.TOO_MANY_REQUESTS
    content = _document(status, TOO_OFTEN)
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", b"%d" % len(content)),
        (b"retry-after", b"1"),
        (b"connection", b"close"),
    ]
    await send({"type": f"{kind}.start", "status": status.value, "headers": headers})
    await send({"type": f"{kind}.body", "body": content, "more_body": False})


def _document(status: HTTPStatus, detail: str) -> bytes:
    return json.dumps(
        {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    ).encode()
