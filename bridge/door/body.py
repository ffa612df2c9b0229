"""The body of an HTTP/1.1 request: where it ends, by its length or by its chunks (RFC 9112, 6 and 7). No I/O."""

import re
from http import HTTPStatus
from typing import Protocol

from bridge.door.head import CHUNKED, RequestError

__all__ = ["Body", "body_of", "too_large"]

# The first line of a chunk: its length, and what may be said besides, which nobody reads.
CHUNK = re.compile(rb"([0-9a-fA-F]{1,8})(?:[ \t]*;[\t -~\x80-\xff]*)?")
CHUNK_LINE_BYTES = 256
# Each costs as much as a thousand bytes do. Whoever streams sends kilobytes at a time, or has little to send: a read
# of tiny ones that goes on to a bound for the largest body would hold the loop for milliseconds.
FEW_CHUNKS, CHUNK_BYTES = 512, 256
# What may follow the last chunk. None of it is taken.
TRAILER = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++:[\t -~\x80-\xff]*+")
TRAILER_BYTES = 4_096


def too_large(limit_bytes: int) -> RequestError:
    return RequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A body has at most {limit_bytes} bytes here.")


class Body(Protocol):
    """What is still to come of a body."""

    is_whole: bool

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """What of these bytes is content, and what of them comes after the body. Raises RequestError."""


def body_of(length: int, limit_bytes: int) -> Body:
    """What is to come of a body that is so long, or CHUNKED; a chunked one has at most as many bytes as the limit."""
    return ChunkedBody(limit_bytes) if length == CHUNKED else CountedBody(length)


class CountedBody:
    """A body that says how long it is."""

    __slots__ = ("_left", "is_whole")

    def __init__(self, length: int) -> None:
        self._left = length
        self.is_whole = length == 0

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        length = len(data)
        if length < self._left:
            self._left -= length
            return data, b""
        content, rest = (data, b"") if length == self._left else (data[: self._left], data[self._left :])
        self._left, self.is_whole = 0, True
        return content, rest


class ChunkedBody:
    """A body in chunks."""

    __slots__ = ("_chunks", "_in_trailer", "_left", "_limit_bytes", "_size", "_trailer_bytes", "_unread", "is_whole")

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._left = 0
        """Of the chunk that is under way, with the line end after it."""
        self._size = 0
        self._chunks = 0
        self._in_trailer = False
        self._trailer_bytes = 0
        self._unread = b""
        """The beginning of a line."""
        self.is_whole = False

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        if self._unread:
            data, self._unread = self._unread + data, b""
        position, content = 0, []
        while not self.is_whole:
            if self._left > 2:
                part = data[position : position + self._left - 2]
                content.append(part)
                self._left -= len(part)
                position += len(part)
            if self._left > 2:
                return b"".join(content), b""
            end = data.find(b"\r\n", position)
            if end < 0:
                self._unread = data[position:]
                self._require_short(self._unread)
                return b"".join(content), b""
            self._take_line(data[position:end])
            position = end + 2
        return b"".join(content), data[position:]

    def _require_short(self, line: bytes) -> None:
        if self._left:
            if line not in (b"", b"\r"):
                raise _bad("A chunk is longer than it says.")
        elif self._in_trailer:
            self._count_trailer(len(line))
        elif len(line) > CHUNK_LINE_BYTES or b"\n" in line:
            raise _bad("A chunk does not begin with a line that says its length.")

    def _take_line(self, line: bytes) -> None:
        if self._left:  # the end of a chunk
            if line:
                raise _bad("A chunk is longer than it says.")
            self._left = 0
        elif self._in_trailer:
            self._take_trailer(line)
        else:
            self._begin_chunk(line)

    def _begin_chunk(self, line: bytes) -> None:
        read = CHUNK.fullmatch(line) if len(line) <= CHUNK_LINE_BYTES else None
        if read is None:
            raise _bad("A chunk does not begin with a line that says its length.")
        size = int(read[1], 16)
        self._chunks += 1
        self._size += size
        if self._size > self._limit_bytes:
            raise too_large(self._limit_bytes)
        if self._chunks > FEW_CHUNKS + self._size // CHUNK_BYTES:
            raise _bad(f"Of more than {FEW_CHUNKS} chunks each has some {CHUNK_BYTES} bytes here; send larger ones.")
        if size:
            self._left = size + 2
        else:
            self._in_trailer = True

    def _take_trailer(self, line: bytes) -> None:
        if not line:
            self.is_whole = True
            return
        self._trailer_bytes += len(line) + 2
        self._count_trailer(0)
        if TRAILER.fullmatch(line) is None:
            raise _bad("What follows the last chunk is no header.")

    def _count_trailer(self, more_bytes: int) -> None:
        if self._trailer_bytes + more_bytes > TRAILER_BYTES:
            raise RequestError(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                f"What follows the last chunk has at most {TRAILER_BYTES} bytes here.",
            )


def _bad(detail: str) -> RequestError:
    return RequestError(HTTPStatus.BAD_REQUEST, detail)
