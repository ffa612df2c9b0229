"""Queries, as anybody may write them into a URL: what cannot be seen in one is refused before a route looks at it,
and so is a parameter that the route does not have, or has once and is given twice. A NUL alone is an error to one of
the databases, a list by a misspelt filter is one of everything, and of two values nobody knows which one counts."""

import re
from collections import Counter

from litestar.connection import ASGIConnection
from litestar.exceptions import ValidationException
from litestar.handlers.base import BaseRouteHandler
from litestar.plugins import ReceiveRoutePlugin
from litestar.routes import BaseRoute, HTTPRoute

from bridge.http.front.problems import wrong_field
from coordinator.ids import NO_UNSEEN, UNSEEN

__all__ = ["KnownParameters", "require_known_query", "require_plain_query"]

PARAMETERS, REPEATED = "parameters", "repeated"
"""Under which each route of the API has the names of its parameters, in order; and of those that may be repeated."""
# Pages and probes are asked for with whatever others put behind their addresses.
OF_THE_API = "/api/"

_UNSEEN = re.compile(rf"[{UNSEEN}\ud800-\udfff]")
# A name that somebody made up is shown as far as the longest of the API's own.
NAME_CHARACTERS = 40
EXPECTED = f"expected text {NO_UNSEEN}"
EXPECTED_ONCE = "expected once; a parameter that takes several values has them with commas between them"


def require_plain_query(connection: ASGIConnection) -> None:  # type: ignore[type-arg]
    """Raises ValidationException, which names the parameter, where there is something in it that cannot be seen."""
    if not connection.scope["query_string"]:
        return
    for name, value in connection.query_params.multi_items():
        if _UNSEEN.search(name) or _UNSEEN.search(str(value)):
            raise wrong_field(_UNSEEN.sub("?", name)[:NAME_CHARACTERS], EXPECTED)


class KnownParameters(ReceiveRoutePlugin):
    """Notes of each route of the API which parameters it has, those of what it depends on among them."""

    def receive_route(self, route: BaseRoute) -> None:
        if isinstance(route, HTTPRoute) and route.path.startswith(OF_THE_API):
            for handler, given in route.route_handler_map.values():
                taken = given.expected_query_params
                handler.opt[PARAMETERS] = sorted(one.field_alias for one in taken)
                handler.opt[REPEATED] = frozenset(one.field_alias for one in taken if one.is_sequence)


def require_known_query(connection: ASGIConnection, handler: BaseRouteHandler) -> None:  # type: ignore[type-arg]
    """Raises ValidationException, which names the parameters that the route does not have, and those that it has; or
    those that are there more than once and may not be."""
    known = handler.opt.get(PARAMETERS)
    if known is None or not connection.scope["query_string"]:
        return
    unknown = dict.fromkeys(name for name in connection.query_params if name not in known)
    if unknown:
        expected = f"expected some of {', '.join(known)}" if known else "none is taken here"
        raise ValidationException(
            extra=[{"key": name, "message": f"there is no such parameter; {expected}"} for name in unknown]
        )
    counts = Counter(name for name, _ in connection.query_params.multi_items())
    repeated = [name for name, count in counts.items() if count > 1 and name not in handler.opt[REPEATED]]
    if repeated:
        raise ValidationException(extra=[{"key": name, "message": EXPECTED_ONCE} for name in repeated])
