"""One request and its answer, as ASGI has them: what the application hears of the body and says."""

import asyncio
import logging
import re
from collections.abc import MutableMapping
from functools import lru_cache
from http import HTTPStatus
from time import perf_counter
from typing import Any, NamedTuple, Protocol

from bridge.arrival_times import ARRIVED
from bridge.door.answers import CONTINUE, NOT_STORED, status_line
from bridge.door.connection_limits import REFUSED
from bridge.door.head import Head
from bridge.door.request_seconds import note_request
from bridge.door.unread_answer import UnreadAnswer
from bridge.request_ids import REQUEST_ID, request_id
from bridge.sockets.loop_shares import LOOP_SHARE, LoopShare

__all__ = ["Exchange", "Message", "scope_between", "scope_of"]

logger = logging.getLogger("bridge.door")

# An application that puts what it was told into a header must not be made to write one of somebody else's.
UNFIT_NAME = re.compile(rb"[^!#$%&'*+\-.^_`|~0-9A-Za-z]")
UNFIT_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
# Content that is longer is not put behind the opening of its answer, but written by itself: of what many are
# answered, and do not read, there is one copy.
COPIED_BYTES = 16_384
WITHOUT_CONTENT = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}

Message = MutableMapping[str, Any]


def scope_between(transport: asyncio.BaseTransport, config: Any) -> Message:
    """What an ASGI application is told of all requests of a connection; `config` is uvicorn's."""
    peer, own = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
    return {
        "type": "http",
        "asgi": {"version": config.asgi_version, "spec_version": "2.3"},
        "server": tuple(own[:2]) if isinstance(own, tuple) else None,
        "client": tuple(peer[:2]) if isinstance(peer, tuple) else None,
        "scheme": "https" if transport.get_extra_info("sslcontext") else "http",
        "root_path": config.root_path,
    }


def scope_of(head: Head, between: Message, state: dict[str, Any]) -> Message:
    """What it is told of one of them."""
    root_path: str = between["root_path"]
    return {
        **between,
        "http_version": head.version,
        "method": head.method,
        "path": root_path + head.path,
        "raw_path": root_path.encode() + head.raw_path,
        "query_string": head.query,
        "headers": head.headers,
        "state": state.copy(),
    }


class AnsweredConnection(Protocol):
    """A connection, as far as a request on it is answered."""

    unread_answer: UnreadAnswer | None

    @property
    def default_headers(self) -> list[tuple[bytes, bytes]]:
        """Those of every answer."""

    def resume(self) -> None:
        """Reads on."""

    def write(self, content: bytes) -> None:
        """Sends something of an answer."""

    def answered(self, exchange: "Exchange") -> None:
        """The answer to a request is written, whole."""

    def fail(self) -> None:
        """The application has given no answer."""

    def refuse_body(self) -> None:
        """The application wants a body that is larger than any may be."""

    def break_off(self) -> None:
        """Closes at once."""


class Exchange:
    """The application's side of one request."""

    __slots__ = (
        "_arrived",
        "_body",
        "_connection",
        "_expected_bytes",
        "_has_content",
        "_head",
        "_is_chunked",
        "_is_over",
        "_opening",
        "_scope",
        "_status",
        "_waiter",
        "_wants_continue",
        "is_begun",
        "is_body_taken",
        "is_too_large",
        "is_whole",
        "keeps_alive",
        "request_id",
        "waiting_bytes",
    )

    def __init__(self, connection: AnsweredConnection, head: Head) -> None:
        self._connection: AnsweredConnection | None = connection
        """None once the client has gone, or has been answered by somebody else."""
        self._arrived = perf_counter()
        self._head = head
        self.request_id = request_id(head.said_id)
        self._body: list[bytes] = []
        self.waiting_bytes = 0
        """What has come of the body and was not asked for yet."""
        self.is_whole = head.length == 0
        """Whether all of the body has come."""
        self.is_body_taken = False
        """Whether the application has been given the end of the body."""
        self.is_too_large = False
        """Whether it says that its body is larger than any may be. The application may say first that it may not be
        sent at all."""
        self._wants_continue = head.expects_continue and head.length != 0
        self._waiter: asyncio.Future[None] | None = None
        self._opening: bytes | None = None
        """The answer's line and headers, which leave with the first of its content."""
        self._scope: Message = {}
        self._status = 0
        """Of the answer, once it has begun."""
        self._has_content = True
        self._is_chunked = False
        self._expected_bytes: int | None = None
        self.keeps_alive = head.keeps_alive
        self.is_begun = False
        """Whether something of the answer has left."""
        self._is_over = False

    async def run(self, application: Any, scope: Message) -> None:
        """Has the application answer."""
        self._scope = scope
        scope[ARRIVED] = self._arrived
        named = [self.request_id]
        REQUEST_ID.set(named)  # of this task, and of those that it begins
        try:
            await application(scope, self.receive, self.send)
        except Exception:
            logger.exception("%s %s failed", self._head.method, self._head.path[:200])
        if not self._is_over and self._connection is not None:
            if self.is_begun:
                self._connection.break_off()
            else:
                self._status = HTTPStatus.INTERNAL_SERVER_ERROR
                self._connection.fail()
        if self._status:
            note_request(scope, self._head.method, self._status, self._arrived)
        named.clear()

    # The connection's side

    @property
    def network(self) -> str | None:
        """The address for which it is asked, once the application has found out; None: it is not counted."""
        share: LoopShare | None = self._scope.get(LOOP_SHARE)
        return None if share is None else share.network

    def feed(self, content: bytes, *, is_whole: bool) -> None:
        """Something of the body has come."""
        if content:
            self._body.append(content)
            self.waiting_bytes += len(content)
        self.is_whole = is_whole
        self._wake()

    def end(self) -> None:
        """Nobody hears any more what is answered."""
        self._connection = None
        self._body.clear()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # ASGI

    async def receive(self) -> Message:
        while not self.waiting_bytes and (self.is_body_taken or not self.is_whole):
            connection = self._connection
            if connection is None or self._is_over:
                break
            if self.is_too_large:
                connection.refuse_body()
                break
            if self._wants_continue and not self.is_begun:
                connection.write(CONTINUE)
            self._wants_continue = False
            connection.resume()
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
            self._waiter = None
        if self._connection is None or self._is_over:
            return {"type": "http.disconnect"}
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body.clear()
        self.waiting_bytes = 0
        self.is_body_taken = self.is_whole
        return {"type": "http.request", "body": body, "more_body": not self.is_whole}

    async def send(self, message: Message) -> None:
        connection = self._connection
        if connection is not None and connection.unread_answer is not None:
            await connection.unread_answer.freed()
            connection = self._connection
        if connection is None:
            return
        kind = message["type"]
        if self._opening is None and not self.is_begun:
            if kind != "http.response.start":
                raise RuntimeError(f"an answer does not begin with {kind}")
            self._opening = self._opening_of(message, connection.default_headers)
            return
        if kind != "http.response.body" or self._is_over:
            raise RuntimeError(f"an answer has no {kind} here")
        body, more = message.get("body", b""), message.get("more_body", False)
        self._write(body, more=more)
        if not more:
            self._is_over = True
            self._wake()
            if self._connection is not None:  # it may have had to make room for others
                self._connection.answered(self)

    def _opening_of(self, message: Message, default_headers: list[tuple[bytes, bytes]]) -> bytes:
        status: int = message["status"]
        self._status = status
        said = _fields_of((*default_headers, *map(tuple, message.get("headers", ()))))
        lines = [status_line(status), said.lines, b"x-request-id: %b\r\n" % self.request_id]
        self._expected_bytes = said.content_length
        if said.closes:
            self.keeps_alive = False
        self._has_content = self._head.method != "HEAD" and status not in WITHOUT_CONTENT
        if self._has_content and self._expected_bytes is None:
            # Of HTTP/1.0, the end of the connection is the end of the answer.
            self._is_chunked = self._head.version == "1.1"
            if self._is_chunked:
                lines.append(b"transfer-encoding: chunked\r\n")
        if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE and not self.is_whole:
            REFUSED.labels(str(status)).inc()
        # What has not come of the body by now is not waited for.
        if not self.is_whole:
            self.keeps_alive = False
        if not (self.keeps_alive or said.says_how_it_ends):
            lines.append(b"connection: close\r\n")
        lines.append(b"\r\n")
        return b"".join(lines)

    def _write(self, body: bytes, *, more: bool) -> None:
        if not self._has_content:
            content = b""
        elif self._is_chunked:
            content = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            content += b"" if more else b"0\r\n\r\n"
        else:
            content = self._counted(body, more=more)
        if not self.is_begun and self._opening is not None and self._connection is not None:
            opening, self._opening, self.is_begun = self._opening, None, True
            if len(content) > COPIED_BYTES:
                self._connection.write(opening)
            else:
                content = opening + content
        if content and self._connection is not None:
            self._connection.write(content)

    def _counted(self, body: bytes, *, more: bool) -> bytes:
        if self._expected_bytes is None:
            return body
        self._expected_bytes -= len(body)
        if self._expected_bytes < 0 or (self._expected_bytes and not more):
            raise RuntimeError("an answer is not as long as it says")
        return body


class _Fields(NamedTuple):
    """The headers of an answer, and what they say of it."""

    lines: bytes
    """Also that it may not be stored, unless they say something else."""
    content_length: int | None
    closes: bool
    """Whether the connection is not to go on."""
    says_how_it_ends: bool


@lru_cache(maxsize=256)
def _fields_of(headers: tuple[tuple[bytes, bytes], ...]) -> _Fields:
    """Raises RuntimeError for what is no header. Most answers have the same ones."""
    if any(UNFIT_NAME.search(name) or UNFIT_VALUE.search(value) for name, value in headers):
        raise RuntimeError("an answer has a header that is none")
    said = [(name.lower(), value) for name, value in headers if name.lower() != b"transfer-encoding"]
    found = dict(said)
    lines = [b"%b: %b\r\n" % field for field in (*said, *(() if NOT_STORED[0] in found else (NOT_STORED,)))]
    return _Fields(
        b"".join(lines),
        int(found[b"content-length"]) if b"content-length" in found else None,
        any(name == b"connection" and b"close" in value.lower() for name, value in said),
        b"connection" in found,
    )
