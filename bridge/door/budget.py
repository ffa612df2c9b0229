"""How much of the event loop's time one address may have for what it asks: beyond it a request is a 429, or answered
later. What comes signed, or is answered well to who has shown a token, is not counted."""

from collections.abc import Callable, Coroutine
from functools import partial
from http import HTTPStatus
from typing import Any

from bridge.door.answers import too_often
from bridge.door.forwarded import Scope
from bridge.door.guests import REFUSED, Guests
from bridge.door.proxies import trusts
from bridge.sockets.addresses import COUNTED_AS, network_of
from bridge.sockets.loop_shares import LOOP_SHARE, PROBES, TURNS, LoopShares, Share, Steps

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
        guests: Guests,
        shares: LoopShares,
        *,
        trusted: str,
    ) -> None:
        """`trusted` are proxies, which ask for everybody; they and this machine have no bound."""
        self._application = application
        self._guests = guests
        self._shares = shares
        self._is_trusted = trusts(trusted)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        network = self._counted_as(scope)
        if network is None:
            await self._application(scope, receive, send)
            return
        scope[LOOP_SHARE] = Share(self._shares, network)
        path, shares = scope["path"], self._shares
        is_patient = path.startswith(PATIENT)
        for share in (network, PROBES) if path.startswith(PROBES) else (network if is_patient else TURNS + network,):
            # Those who wait are no more than an address has connections.
            if not shares.has_room(share, network):
                await self._refuse(network, scope, send)
                return
            await shares.turn(share, network)
        if is_patient or not shares.is_overdrawn(network):
            await self._timed(network, scope, receive, send)
        else:
            await self._refuse(network, scope, send)

    async def _refuse(self, network: str, scope: Scope, send: Any) -> None:
        REFUSED.labels(str(HTTPStatus.TOO_MANY_REQUESTS.value)).inc()
        self._guests.has_asked_too_much(network)
        await Steps(too_often(scope, send), self._shares.clock, partial(self._shares.take, network))

    def _counted_as(self, scope: Scope) -> str | None:
        if scope["type"] == "lifespan":
            return None
        address = (scope.get("client") or ("",))[0]
        named: str | None = scope.get(COUNTED_AS)
        return named or (None if self._is_trusted(address) else network_of(address))

    async def _timed(self, network: str, scope: Scope, receive: Any, send: Any) -> None:
        status = 0

        async def note(message: Any) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        path = scope["path"]
        took = partial(self._shares.take, network)
        steps = Steps(self._application(scope, receive, note), self._shares.clock, took)
        try:
            await steps
        finally:
            is_known = path.startswith(KNOWN_CALLERS) and 200 <= status < 300
            if not is_known:
                self._shares.spend(network, steps.seconds, is_patient=path.startswith(PATIENT))
            if path.startswith(PROBES):
                self._shares.spend(PROBES, steps.seconds, is_patient=True)
