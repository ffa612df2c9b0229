"""Queries, as anybody may write them into a URL: what cannot be seen in one is refused before a route looks at it. A
NUL alone is an error to one of the databases."""

import re

from litestar.connection import ASGIConnection

from bridge.http.front.problems import wrong_field
from coordinator.ids import NO_UNSEEN, UNSEEN

__all__ = ["require_plain_query"]

_UNSEEN = re.compile(rf"[{UNSEEN}\ud800-\udfff]")
# A name that somebody made up is shown as far as the longest of the API's own.
NAME_CHARACTERS = 40
EXPECTED = f"expected text {NO_UNSEEN}"


def require_plain_query(connection: ASGIConnection) -> None:  # type: ignore[type-arg]
    """Raises ValidationException, which names the parameter."""
    if not connection.scope["query_string"]:
        return
    for name, value in connection.query_params.multi_items():
        if _UNSEEN.search(name) or _UNSEEN.search(str(value)):
            raise wrong_field(_UNSEEN.sub("?", name)[:NAME_CHARACTERS], EXPECTED)
