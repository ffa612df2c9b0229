"""How much of the event loop's time one address may have for what it asks: beyond it a request is a 429, or answered
later. What comes signed, or is answered well to who has shown a token, is not counted."""

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

from bridge.door.answers import too_often
from bridge.door.connection_limits import REFUSED, ConnectionLimits
from bridge.door.forwarded import Scope
from bridge.door.proxies import trusts
from bridge.sockets.addresses import COUNTED_AS, network_of
from bridge.sockets.loop_shares import LOOP_SHARE, PROBES, TURNS, LoopShare, LoopShares, Steps

__all__ = ["LoopBudget"]

WEBHOOKS, SOCKETS = "/webhooks/", "/socket.io/"
# Webhooks may be signed, clients of sockets give up what they are told to ask for later, and health is asked by who
# would restart a bridge that does not answer.
PATIENT = (WEBHOOKS, SOCKETS, PROBES)
# What these answer well they answer to who has shown that they may ask.
KNOWN_CALLERS = ("/api/", WEBHOOKS)


class LoopBudget:
    """An ASGI application before another, behind the one that finds out who asks."""

    def __init__(
        self,
        application: Callable[[Scope, Any, Any], Coroutine[Any, Any, None]],
        connection_limits: ConnectionLimits,
        shares: LoopShares,
        *,
        trusted: str,
    ) -> None:
        """`trusted` are proxies, which ask for everybody; they and this machine have no bound."""
        self._application = application
        self._connection_limits = connection_limits
        self._shares = shares
        self._is_trusted = trusts(trusted)

    def __call__(self, scope: Scope, receive: Any, send: Any) -> Coroutine[Any, Any, None]:
        network = self._counted_as(scope)
        if network is None:
            return self._application(scope, receive, send)
        return self._counted(network, scope, receive, send)

    async def _counted(self, network: str, scope: Scope, receive: Any, send: Any) -> None:
        scope[LOOP_SHARE] = share = LoopShare(self._shares, network)
        path = scope["path"]
        for line in _lines(path, network):
            # Those who wait are no more than an address has connections.
            if not self._shares.has_room(line, network):
                await self._refuse(share, scope, send)
                return
            await self._shares.turn(line, network)
        if path.startswith(PATIENT) or not self._shares.is_overdrawn(network):
            await self._timed(share, scope, receive, send)
        else:
            await self._refuse(share, scope, send)

    async def _refuse(self, share: LoopShare, scope: Scope, send: Any) -> None:
        REFUSED.labels(str(HTTPStatus.TOO_MANY_REQUESTS.value)).inc()
        self._connection_limits.has_asked_too_much(share.network)
        await Steps(too_often(scope, send), share.clock, share.take)

    def _counted_as(self, scope: Scope) -> str | None:
        if scope["type"] == "lifespan":
            return None
        address = (scope.get("client") or ("",))[0]
        named: str | None = scope.get(COUNTED_AS)
        return named or (None if self._is_trusted(address) else network_of(address))

    async def _timed(self, share: LoopShare, scope: Scope, receive: Any, send: Any) -> None:
        status = 0

        async def note(message: Any) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        path = scope["path"]
        steps = Steps(self._application(scope, receive, note), share.clock, share.take)
        try:
            await steps
        finally:
            is_known = path.startswith(KNOWN_CALLERS) and 200 <= status < 300
            if not is_known:
                self._shares.spend(share.network, steps.seconds, is_patient=path.startswith(PATIENT))
            if path.startswith(PROBES):
                self._shares.spend(PROBES, steps.seconds, is_patient=True)


def _lines(path: str, network: str) -> tuple[str, ...]:
    """In which a request waits for its turn: for its address's share, and for that of all who ask for health; what
    may be refused waits for the loop's next turn alone."""
    if path.startswith(PROBES):
        return network, PROBES
    return (network,) if path.startswith(PATIENT) else (TURNS + network,)
