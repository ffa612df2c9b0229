"""The short way of what comes most often: past the framework, whose layers cost as much again as everything else that
is done for such a request. Whatever is not the plain case goes through it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from litestar import Response
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from bridge.arrival_times import arrival_of
from bridge.http.front.problems import send_problem
from bridge.http.front.shutdown import answer_at_shutdown
from bridge.journal import Journal
from coordinator.models import FrozenModel

__all__ = ["Answer", "FastPath", "PlainPost"]

Answer = Callable[[Journal, Mapping[str, str], bytes, float], Awaitable[FrozenModel | Response[dict[str, object]]]]
"""Answers by the headers, under lowercase names, the body, and when the request arrived: with what was accepted, or
with a problem. What it raises is answered as when a route raises it."""

# What such a request asks for needs more than its route.
NOT_PLAIN = {"origin", "idempotency-key"}


class PlainPost(NamedTuple):
    """What is answered on one path, and up to which length of the body."""

    route: str
    """As the framework writes it."""
    answer: Answer
    max_body_bytes: int
    require: Callable[[Mapping[str, str]], object]
    """For whoever may not ask, by the headers and before the body has come: gives a problem, or raises."""


class FastPath:
    """An ASGI application before another: it answers a POST to one of some paths, spelled exactly so and without a
    query, that says how long it is and is no web page's."""

    def __init__(self, application: ASGIApp, posts: Mapping[str, PlainPost], journal: Callable[[], Journal]) -> None:
        self._application = application
        self._posts = {path.encode(): post for path, post in posts.items()}
        self._journal = journal

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        # No coroutine of its own, which all that others do would go through as well.
        if scope["type"] == ScopeType.HTTP and scope["method"] == "POST" and not scope["query_string"]:
            post = self._posts.get(scope.get("raw_path") or b"")
            if post is not None:
                headers = _headers(scope)
                length = headers.get("content-length", "")
                is_plain = length.isdecimal() and int(length) <= post.max_body_bytes
                if is_plain and NOT_PLAIN.isdisjoint(headers):
                    return self._answer(post, headers, scope, receive, send)
        return self._application(scope, receive, send)

    async def _answer(
        self, post: PlainPost, headers: Mapping[str, str], scope: Scope, receive: Receive, send: Send
    ) -> None:
        scope["path_template"] = post.route
        try:
            answer = post.require(headers)
            if not isinstance(answer, Response):
                body = await _body(receive)
                if body is None:
                    return
                answer = await post.answer(self._journal(), headers, body, arrival_of(scope))
        except Exception as error:
            await send_problem(error, scope, receive, send)
        except asyncio.CancelledError:
            await answer_at_shutdown(scope, receive, send)
        else:
            if isinstance(answer, FrozenModel):
                await _send_accepted(answer, send)
            else:
                await send_problem(answer, scope, receive, send)


def _headers(scope: Scope) -> dict[str, str]:
    # Of two with one name the first counts, as it does in the framework.
    headers: list[tuple[bytes, bytes]] = scope["headers"]  # type: ignore[assignment]  # as the front door has them
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(headers)}


async def _body(receive: Receive) -> bytes | None:
    """None if the sender has gone before it was all there."""
    parts: list[bytes] = []
    while True:
        message: Any = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message["body"])
        if not message["more_body"]:
            return parts[0] if len(parts) == 1 else b"".join(parts)


async def _send_accepted(accepted: FrozenModel, send: Send) -> None:
    content = accepted.as_json().encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
    await send({"type": "http.response.start", "status": 202, "headers": headers})
    await send({"type": "http.response.body", "body": content, "more_body": False})
