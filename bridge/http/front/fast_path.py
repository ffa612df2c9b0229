"""The short way of what comes most often: past the framework, whose layers cost as much again as everything else that
is done for such a request. Whatever is not the plain case goes through it.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from litestar import Litestar, Response
from litestar.enums import ScopeType
from litestar.types import Receive, Scope, Send

from bridge.http.front.problems import send_problem
from bridge.journal import Journal
from coordinator.models import FrozenModel

__all__ = ["Answer", "FastPath", "PlainPost"]

Answer = Callable[[Journal, Mapping[str, str], bytes], Awaitable[FrozenModel | Response[dict[str, object]]]]
"""Answers by the headers, under lowercase names, and the body: with what was accepted, or with a problem. What it
raises is answered as when a route raises it."""

# What such a request asks for needs more than its route.
NOT_PLAIN = ("origin", "idempotency-key")


class PlainPost(NamedTuple):
    """What is answered on one path, and up to which length of the body."""

    answer: Answer
    max_body_bytes: int
    require: Callable[[Mapping[str, str]], object]
    """For whoever may not ask, by the headers and before the body has come: gives a problem, or raises."""


class FastPath:
    """An ASGI application before another: it answers a POST to one of some paths that has no query, says how long it
    is, and is no web page's."""

    def __init__(self, application: Litestar, posts: Mapping[str, PlainPost]) -> None:
        self._application = application
        self._posts = posts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        post, headers = None, {}
        if scope["type"] == ScopeType.HTTP and scope["method"] == "POST" and not scope["query_string"]:
            post = self._posts.get(scope["path"])
            headers = {} if post is None else _headers(scope)
        if post is None or not _is_plain(headers, post.max_body_bytes):
            await self._application(scope, receive, send)
            return
        try:
            journal = self._application.state.engine.journal
            refusal = post.require(headers)
            if isinstance(refusal, Response):
                await send_problem(refusal, scope, receive, send)
                return
            body = await _body(receive)
            if body is None:
                return
            answer = await post.answer(journal, headers, body)
        except Exception as error:
            await send_problem(error, scope, receive, send)
            return
        if isinstance(answer, FrozenModel):
            await _send_accepted(answer, send)
        else:
            await send_problem(answer, scope, receive, send)


def _is_plain(headers: Mapping[str, str], max_body_bytes: int) -> bool:
    length = headers.get("content-length")
    if length is None or not length.isdecimal() or int(length) > max_body_bytes:
        return False
    return not any(name in headers for name in NOT_PLAIN)


def _headers(scope: Scope) -> dict[str, str]:
    # Of two with one name the first counts, as it does in the framework.
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(list(scope["headers"]))}


async def _body(receive: Receive) -> bytes | None:
    """None if the sender has gone before it was all there."""
    parts: list[bytes] = []
    while True:
        message: Any = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message["body"])
        if not message.get("more_body"):
            return parts[0] if len(parts) == 1 else b"".join(parts)


async def _send_accepted(accepted: FrozenModel, send: Send) -> None:
    content = accepted.model_dump_json().encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": 202, "headers": headers})
    await send({"type": "http.response.body", "body": content, "more_body": False})
