"""Answers as they go over the wire: their first line, and what the front door answers by itself. No I/O."""

import json
from http import HTTPStatus

__all__ = ["CONTINUE", "NOT_STORED", "problem", "status_line"]

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
NOT_STORED = (b"cache-control", b"no-store")
"""On every answer that does not say how long it is good: what is shown to one is nothing for the next, and a proxy
that caches need not know that a header said who asked."""
STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}


def status_line(status: int) -> bytes:
    """How an answer begins."""
    return STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status


def problem(status: HTTPStatus, detail: str, headers: list[tuple[bytes, bytes]]) -> bytes:
    """A whole answer that closes the connection: a problem document (RFC 9457)."""
    document = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    content = json.dumps(document).encode()
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
