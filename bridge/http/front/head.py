"""HEAD: what is answered as GET is, without the content (RFC 9110, section 9.3.2)."""

from collections.abc import Mapping
from typing import Any

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["HeadRequests", "with_head_allowed"]


class HeadRequests:
    """An ASGI application before another, for which it makes a GET of every HEAD."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP and scope["method"] == "HEAD":
            asked: Any = {**scope, "method": "GET"}
            await self._application(asked, receive, _without_content(send))
            if "path_template" in asked:  # by which it is counted
                scope["path_template"] = asked["path_template"]
        else:
            await self._application(scope, receive, send)


def _without_content(send: Send) -> Send:
    is_over = False

    async def send_headers(message: Message) -> None:
        """What streams for as long as somebody listens is over with its headers."""
        nonlocal is_over
        if message["type"] == "http.response.body":
            if is_over:
                return
            is_over, message = True, {**message, "body": b"", "more_body": False}
        await send(message)

    return send_headers


def with_head_allowed(headers: Mapping[str, str] | None) -> Mapping[str, str] | None:
    """The headers of a refusal, which the framework has made: where they allow GET, HEAD as well."""
    if headers is None or "allow" not in headers:
        return headers
    methods = headers["allow"].split(", ")
    return {**headers, "allow": ", ".join([*methods, "HEAD"])} if "GET" in methods else headers
