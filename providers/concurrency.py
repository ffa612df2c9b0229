"""Concurrency limits: how many questions to one neighbour are under way at once, and how many wait to be asked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from coordinator.errors import BridgeError

__all__ = ["ConcurrencyLimit", "CrowdedError", "TurnTooLateError"]


class CrowdedError(BridgeError):
    """Too many wait for their turn already."""


class TurnTooLateError(BridgeError):
    """The turn did not come in time."""


class ConcurrencyLimit:
    """Those of one neighbour."""

    def __init__(self, at_once: int, *, waiting_limit: int) -> None:
        self._turn = asyncio.Semaphore(at_once)
        self._waiting_limit = waiting_limit
        self._waiting = 0

    @asynccontextmanager
    async def turn(self, *, within_seconds: float) -> AsyncIterator[None]:
        """Waits for a turn, and has it meanwhile. Raises CrowdedError and TooLateError."""
        if self._waiting >= self._waiting_limit:
            raise CrowdedError("too many wait to be asked")
        self._waiting += 1
        try:
            async with asyncio.timeout(within_seconds):
                await self._turn.acquire()
        except TimeoutError:
            raise TurnTooLateError("it could not be asked in time") from None
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._turn.release()
