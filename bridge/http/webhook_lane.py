"""The short way of webhooks, which come more often than all other requests together: past the framework, whose layers
cost as much again as everything else that is done for one. Whatever is not the plain case goes through it.
"""

from typing import Any

from litestar import Litestar
from litestar.enums import ScopeType
from litestar.types import Receive, Scope, Send

from bridge.http.problems import send_problem
from bridge.http.webhooks import Accepted, take_webhook
from providers.contract import WebhookReaders

__all__ = ["WebhookLane"]


class WebhookLane:
    """An ASGI application before another: it answers a POST from a known provider that says how long it is and is no
    web page's."""

    def __init__(self, application: Litestar, readers: WebhookReaders, *, max_body_bytes: int) -> None:
        self._application = application
        self._readers = readers
        self._providers = {f"/webhooks/{provider}": provider for provider in readers}
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        provider = None
        if scope["type"] == ScopeType.HTTP and scope["method"] == "POST":
            provider = self._providers.get(scope["path"])
        headers = {} if provider is None else _headers(scope)
        if provider is None or "origin" in headers or not self._is_short(headers.get("content-length")):
            await self._application(scope, receive, send)
            return
        body = await _body(receive)
        if body is None:
            return
        try:
            taken = await take_webhook(self._readers, self._application.state.engine.journal, provider, headers, body)
        except Exception as error:
            await send_problem(error, scope, receive, send)
            return
        if isinstance(taken, Accepted):
            await _send_accepted(taken, send)
        else:
            await send_problem(taken, scope, receive, send)

    def _is_short(self, length: str | None) -> bool:
        return length is not None and length.isdecimal() and int(length) <= self._max_body_bytes


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


async def _send_accepted(accepted: Accepted, send: Send) -> None:
    content = accepted.model_dump_json().encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": 202, "headers": headers})
    await send({"type": "http.response.body", "body": content, "more_body": False})
