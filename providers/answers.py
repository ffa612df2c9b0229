"""Answers of neighbours, which is whoever the bridge asks over HTTP: every question has a deadline for the whole of
it, a bound on the head of its answer and one on its decoded size, follows no redirect, and ends in an answer or in an
error from here.

Nothing that is raised shows a URL, which may hold a key, or a word of what was answered.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from coordinator.errors import BridgeError
from providers.certificates import certificates
from providers.question_spans import ASKED, CARRIES_TRACE, question_spans
from providers.response_heads import Connects, ResponseHead, awaited, bound_heads

__all__ = [
    "AnswerTooLargeError",
    "HttpAnswer",
    "NeighbourError",
    "NoWholeAnswerError",
    "NotReachedError",
    "TooLateError",
    "ask",
    "neighbour",
]

# Of its encodings the one that all servers have, and that can be decoded a piece at a time.
ASKED_ENCODING = "gzip"
# Gzip and deflate, whichever begins there.
_ANY_WINDOW = 47
_ENCODINGS = frozenset({"gzip", "x-gzip", "deflate"})
# httpx's trace says so right before the first byte of a question leaves.
_SENDING = ".send_request_headers.started"
_HEAD_HAS_COME = ".receive_response_headers.complete"
# What fails before a byte of the question has left.
_NOT_REACHED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class NeighbourError(BridgeError):
    """A question was not answered as questions are."""


class NotReachedError(NeighbourError):
    """Not a byte of the question has left."""


class TooLateError(NeighbourError):
    """The whole answer was not there by the deadline."""


class NoWholeAnswerError(NeighbourError):
    """The answer broke off, or is none of HTTP."""


class AnswerTooLargeError(NoWholeAnswerError):
    """The answer is larger than the bridge reads; the rest of it was not read. `status` is what its head says."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What was answered, whole and decoded."""

    status: int
    content: bytes
    retry_after: str = ""
    """What it says of when to ask again."""
    location: str = ""
    """Where it sends whoever asked."""

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    @property
    def is_redirect(self) -> bool:
        return 300 <= self.status < 400


def neighbour(
    base_url: str = "",
    *,
    headers: Mapping[str, str] | None = None,
    connections: int | None = None,
    keepalive_connections: int = 8,
    through_proxies: bool = True,
    connects: Connects | None = None,
) -> httpx.AsyncClient:
    """The connections to somebody whom `ask` is to ask. Few are kept: before every question httpx looks whether each
    of those is still open. `through_proxies` are those that the environment names; `connects` says how
    connections are made, if not as always."""
    client = httpx.AsyncClient(
        base_url=base_url,
        headers={"Accept-Encoding": ASKED_ENCODING, **(headers or {})},
        limits=httpx.Limits(max_connections=connections, max_keepalive_connections=keepalive_connections),
        verify=certificates(),
        trust_env=through_proxies,
        timeout=None,  # noqa: S113 (that of `ask` is for the whole)
    )
    return bound_heads(client, connects)


async def ask(
    client: httpx.AsyncClient,
    request: httpx.Request,
    *,
    deadline_seconds: float,
    limit_bytes: int,
    auth: httpx.Auth | None = None,
) -> HttpAnswer:
    """Puts one question, once. Raises NeighbourError."""
    begin = question_spans.begin
    if begin is None:
        return await _answered(client, request, deadline_seconds, limit_bytes, auth)
    url, extensions = request.url, request.extensions
    with begin(request.method, url.host, url.port, extensions.get(ASKED)) as span:
        if extensions.get(CARRIES_TRACE):
            request.headers["traceparent"] = span.traceparent
        answer = await _answered(client, request, deadline_seconds, limit_bytes, auth)
        span.answered(answer.status)
        return answer


async def _answered(
    client: httpx.AsyncClient,
    request: httpx.Request,
    deadline_seconds: float,
    limit_bytes: int,
    auth: httpx.Auth | None,
) -> HttpAnswer:
    has_left, head = False, ResponseHead()

    async def note(name: str, _details: Mapping[str, Any]) -> None:
        nonlocal has_left
        has_left = has_left or name.endswith(_SENDING)
        # A proxy's answer has one of its own, before the question is sent.
        head.is_whole = not name.endswith(_SENDING) and (head.is_whole or name.endswith(_HEAD_HAS_COME))

    waits = awaited.set(head)
    request.extensions = {**request.extensions, "trace": note}
    try:
        async with asyncio.timeout(deadline_seconds):
            return await _whole(client, request, limit_bytes, auth)
    except TimeoutError:
        late = f"no whole answer within {deadline_seconds:g} s"
        raise (TooLateError(late) if has_left else NotReachedError(f"no connection; {late}")) from None
    except NeighbourError:
        raise
    except _NOT_REACHED as error:
        raise NotReachedError(type(error).__name__) from None
    except Exception as error:
        # Besides httpx's own whatever its layers make of bytes that nobody has thought of.
        raise (NoWholeAnswerError if has_left else NotReachedError)(type(error).__name__) from None
    finally:
        awaited.reset(waits)
        client.cookies.clear()  # nobody here has a session, and a neighbour may set ever more of them


async def _whole(
    client: httpx.AsyncClient, request: httpx.Request, limit_bytes: int, auth: httpx.Auth | None
) -> HttpAnswer:
    response = await client.send(request, auth=auth, stream=True, follow_redirects=False)
    try:
        parts: list[bytes] = []
        left = limit_bytes
        async for part in _decoded(response, limit_bytes):
            left -= len(part)
            if left < 0:
                raise AnswerTooLargeError(f"an answer of more than {limit_bytes} bytes", response.status_code)
            parts.append(part)
            # Of pieces of a byte a read holds ten thousand, for which nothing is waited for: others take their turns.
            await asyncio.sleep(0)
        heads = response.headers
        return HttpAnswer(
            response.status_code, b"".join(parts), heads.get("retry-after", ""), heads.get("location", "")
        )
    finally:
        await response.aclose()


async def _decoded(response: httpx.Response, limit_bytes: int) -> AsyncIterator[bytes]:
    """The content piece by piece, none of them larger than what is read at most and one byte."""
    encoding = response.headers.get("content-encoding", "").strip().casefold()
    if encoding in ("", "identity"):
        async for part in response.aiter_raw():
            yield part
        return
    if encoding not in _ENCODINGS:
        # Two encodings, one within the other, are as good as none: four hundred bytes of them come to a gigabyte.
        raise NoWholeAnswerError("its answer is encoded in a way that was not asked for")
    decoder = zlib.decompressobj(_ANY_WINDOW)
    async for raw in response.aiter_raw():
        try:
            yield decoder.decompress(raw, limit_bytes + 1)
        except zlib.error:
            raise NoWholeAnswerError("its answer is not encoded as it says") from None
        if decoder.unused_data:
            # Which the decoder would keep all of, and copy with every piece that comes.
            raise NoWholeAnswerError("its answer goes on past the end of its encoding")
        # What comes to nothing, such as empty blocks, counts as it came.
        if decoder.unconsumed_tail or response.num_bytes_downloaded > limit_bytes:
            raise AnswerTooLargeError(f"an answer of more than {limit_bytes} bytes", response.status_code)
    if not decoder.eof:
        raise NoWholeAnswerError("its encoded answer breaks off")
