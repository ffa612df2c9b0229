"""Who calls: the service or the user behind an `Authorization` header, and what they may ask for."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException
from litestar.handlers.base import BaseRouteHandler

from bridge.access import (
    ANYBODY,
    Grants,
    Principal,
    TokenError,
    TokenErrorCode,
    act_as,
    acting_now,
)
from bridge.access.service_tokens import WatchedServices
from bridge.access.services import ANY_SERVICE, Service
from bridge.http.front.origins import RequireFrontEnd
from bridge.http.front.problems import challenge_of
from bridge.http.front.queries import require_known_query, require_plain_query
from bridge.journal import Journal

if TYPE_CHECKING:
    from bridge.access.tokens import TokenVerifier

__all__ = [
    "FOR_OPS",
    "FOR_SERVICES",
    "Callers",
    "require_rooms",
    "require_unrevoked",
    "with_rooms",
]

FOR_OPS = "for_ops"
"""The mark of routes of the console: they are run for whoever may see everything, and for nobody else."""

FOR_SERVICES = "for_services"
"""The mark of routes that take the service out of the connection's state, which costs less than a dependency."""

_SCHEME = "bearer "


class Callers:
    """Knows callers by their bearer tokens: services by tokens of their own, users by what the verifier accepts.

    Without a verifier anybody may read; and anybody may write too, unless services are named.
    """

    def __init__(
        self, services: WatchedServices, verifier: "TokenVerifier | None", *, require_front_end: RequireFrontEnd
    ) -> None:
        self.services = services
        self._verifier = verifier
        self._require_front_end = require_front_end

    def names_services(self) -> bool:
        """Whether those who may write are named."""
        self.services.now()
        return self.services.are_named

    async def guard(
        self,
        connection: ASGIConnection,  # type: ignore[type-arg]
        handler: BaseRouteHandler,
    ) -> None:
        """Refuses whoever a route does not know, before anything else of the request is looked at.

        A route that takes a `service` or a `principal`, or is marked `for_services` or `for_ops`, finds it in the
        state of the connection.
        """
        self._require_front_end(connection)
        require_plain_query(connection)
        self._recognize(connection, handler)
        require_known_query(connection, handler)

    async def recheck(self, request: Request[Any, Any, Any]) -> None:
        """Refuses whoever is not known any more once the body has come, before a route acts on it: a sender takes as
        long for a body as the door lets them, and a token may have been taken back, or have expired, meanwhile."""
        handler = request.route_handler
        if request.method == "POST" and (_takes_service(handler) or _takes_principal(handler)):
            await request.body()
            self._recognize(request, handler)

    def _recognize(
        self,
        connection: ASGIConnection,  # type: ignore[type-arg]
        handler: BaseRouteHandler,
    ) -> None:
        authorization = connection.headers.get("authorization")
        act_as(None)
        if _takes_service(handler):
            connection.state.service = self.service(authorization)
        if _takes_principal(handler):
            connection.state.principal = self.principal(authorization)
            act_as(connection.state.principal)
        if handler.opt.get(FOR_OPS):
            connection.state.principal.require_console()

    def service(self, authorization: str | None) -> Service:
        """The service that wants to write. Raises NotAuthorizedException."""
        services = self.services.now()
        if not self.services.are_named and self._verifier is None:
            return ANY_SERVICE
        token = _bearer_token(authorization)
        if token is None:
            raise _not_authenticated(
                "this needs the token of a service: Authorization: Bearer <token>", "token_missing"
            )
        service = services.find(token)
        if service is None:
            raise _not_authenticated("this token belongs to no service", "token_invalid")
        return service

    def principal(self, authorization: str | None) -> Principal:
        """Whoever wants to read. Raises NotAuthorizedException."""
        token = _bearer_token(authorization)
        service = None if token is None else self.services.now().find(token)
        if service is not None:
            return service.principal
        if self._verifier is None:
            return ANYBODY
        try:
            return self._verifier.principal(token)
        except TokenError as error:
            raise _not_authenticated(str(error), error.code) from None


async def require_rooms(principal: Principal, names: Sequence[str], grants: Grants | None) -> None:
    """Raises NotPermittedError unless the principal may see what is told in some rooms, by their token or because the
    marketplace says so; and GrantsUnknownError."""
    (await with_rooms(principal, names, grants)).require_rooms(names)


async def with_rooms(principal: Principal, names: Sequence[str], grants: Grants | None) -> Principal:
    """Whoever acts, with those of some rooms that the marketplace grants them. Raises GrantsUnknownError."""
    if grants is None:
        return principal
    granted = await grants.with_rooms(principal, names)
    if granted is not principal:
        act_as(granted)
    return granted


async def require_unrevoked(journal: Callable[[], Journal]) -> None:
    """Before an answer leaves that was read for somebody: what was committed before any of it may take back what they
    are granted, and not be known here yet. Raises TokenError and AccessChangedError."""
    acting = acting_now()
    # What was committed in their name has proven as much, and is not to be answered as if it were not.
    if acting is not None and acting.has_read and not acting.has_written:
        await journal().access.require(acting)


def _takes_service(handler: BaseRouteHandler) -> bool:
    return bool("service" in handler.parsed_fn_signature.parameters or handler.opt.get(FOR_SERVICES))


def _takes_principal(handler: BaseRouteHandler) -> bool:
    return bool("principal" in handler.parsed_fn_signature.parameters or handler.opt.get(FOR_OPS))


def _bearer_token(authorization: str | None) -> str | None:
    if authorization is None or not authorization.lower().startswith(_SCHEME):
        return None
    return authorization[len(_SCHEME) :].strip() or None


def _not_authenticated(message: str, code: TokenErrorCode) -> NotAuthorizedException:
    return NotAuthorizedException(message, headers=dict(challenge_of(code)), extra={"code": code})
