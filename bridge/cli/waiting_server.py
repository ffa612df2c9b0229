"""A server that waits until it is to end. uvicorn's own looks ten times a second, which costs more than all else that
an idle bridge does: so `main_loop` is overridden, and `should_exit`, by which it is told. `on_tick` is called for the
date that answers bear.
"""

import asyncio
from contextlib import suppress

import uvicorn

__all__ = ["WaitingServer"]

# Answers bear the date to the second.
DATED_EVERY_SECONDS = 1.0


class WaitingServer(uvicorn.Server):
    """One that is told to end, at any moment and from any thread, or out of a signal's handler."""

    def __init__(self, config: uvicorn.Config) -> None:
        self._is_to_end = False
        self._exit_asked = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        super().__init__(config)

    @property
    def should_exit(self) -> bool:
        return self._is_to_end

    @should_exit.setter
    def should_exit(self, is_to_end: bool) -> None:
        self._is_to_end = is_to_end
        if is_to_end and self._loop is not None:
            self._loop.call_soon_threadsafe(self._exit_asked.set)

    async def main_loop(self) -> None:
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                async with asyncio.timeout(DATED_EVERY_SECONDS):
                    await self._exit_asked.wait()
