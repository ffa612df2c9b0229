"""The bodies that routes take: how long they may be, and how many names and values may be in them, before they are
read. A megabyte of names that are all wrong would hold up everybody for half a second."""

from typing import Any

from litestar import Request

from bridge.http.front.problems import unreadable_body, wrong_field
from coordinator.json_text import has_more_parts

__all__ = ["BODY_LIMIT_BYTES", "LISTS_LIMIT_BYTES", "PART_BYTES", "require_few_parts", "require_modest_body"]

BODY_LIMIT_BYTES = 16_384
"""Of a route that takes one thing. The longest of them, the patterns of an endpoint, is half of that."""
LISTS_LIMIT_BYTES = 262_144
"""Of one that takes a list of hundreds."""
PART_BYTES = 64
"""A body may have one name or value for so many of the bytes that it may have; at its longest one has fewer."""


def require_few_parts(body: bytes, limit: int) -> None:
    """Raises ValidationException for a body with more names and values than that."""
    if has_more_parts(body, limit):
        raise wrong_field("body", f"has more than {limit} values, which no request of this kind has")


async def require_modest_body(request: Request[Any, Any, Any]) -> None:
    """The same for the body of a route that has the framework read it, once it has come; and for one that is not in
    UTF-8, on which the framework's reader fails."""
    handler = request.route_handler
    if "data" not in handler.parsed_fn_signature.parameters:
        return
    body = await request.body()
    require_few_parts(body, (handler.resolve_request_max_body_size() or LISTS_LIMIT_BYTES) // PART_BYTES)
    try:
        body.decode()
    except UnicodeDecodeError:
        raise unreadable_body() from None
