"""How much of the event loop's time one address may have for what it asks: beyond it a request is a 429, whatever it
is about. What comes signed, or is answered well to who has shown a token, is not counted."""

import time
from collections.abc import Awaitable, Callable, Coroutine, Generator
from http import HTTPStatus
from typing import Any

from bridge.door.answers import too_often
from bridge.door.forwarded import Scope
from bridge.door.guests import REFUSED, Guests
from bridge.door.proxies import trusts
from bridge.sockets.addresses import COUNTED_AS, network_of
from bridge.sockets.rate_limit import RateLimit, RateLimits

__all__ = ["BURST_SECONDS", "LoopBudget"]

BURST_SECONDS = 4
"""An address may have at once what it may have in so long."""
MICROSECONDS = 1_000_000
# Webhooks are known by their signatures, sockets have a pace of their own, and health is asked by who would restart
# a bridge that does not answer.
NEVER_REFUSED = ("/webhooks/", "/socket.io/", "/health/")
# What these answer well they answer to who has shown a token.
KNOWN_CALLERS = "/api/"


class LoopBudget:
    """An ASGI application before another, behind the one that finds out who asks."""

    def __init__(
        self,
        application: Callable[[Scope, Any, Any], Coroutine[Any, Any, None]],
        guests: Guests,
        *,
        share: float,
        trusted: str,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """`share` of the loop is what one address may have. `trusted` are proxies, which ask for everybody; they and
        this machine have no bound."""
        self._application = application
        self._guests = guests
        self._is_trusted = trusts(trusted)
        self._clock = clock
        self._spent = RateLimits(RateLimit(share * MICROSECONDS, BURST_SECONDS * share * MICROSECONDS))

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        network = self._counted_as(scope)
        if network is None:
            await self._application(scope, receive, send)
        elif self._spent.is_overdrawn(network, self._clock()):
            REFUSED.labels(str(HTTPStatus.TOO_MANY_REQUESTS.value)).inc()
            self._guests.has_asked_too_much(network)
            await too_often(send)
        else:
            await self._timed(network, scope, receive, send)

    def _counted_as(self, scope: Scope) -> str | None:
        if scope["type"] != "http" or scope["path"].startswith(NEVER_REFUSED):
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

        steps = Steps(self._application(scope, receive, note), self._clock)
        try:
            await steps
        finally:
            is_known = scope["path"].startswith(KNOWN_CALLERS) and 200 <= status < 300
            if not is_known:
                self._spent.spend(network, self._clock(), round(steps.seconds * MICROSECONDS))


class Steps(Awaitable[None]):
    """Runs a coroutine, and counts how long the loop is with it."""

    def __init__(self, coroutine: Coroutine[Any, Any, None], clock: Callable[[], float]) -> None:
        self._coroutine = coroutine
        self._clock = clock
        self.seconds = 0.0

    def __await__(self) -> Generator[Any, Any, None]:
        error: BaseException | None = None
        while True:
            began = self._clock()
            try:
                waits_for = self._coroutine.send(None) if error is None else self._coroutine.throw(error)
            except StopIteration:
                return
            finally:
                self.seconds += self._clock() - began
            try:
                yield waits_for
                error = None
            except BaseException as thrown:  # to be raised where the coroutine waits
                error = thrown
