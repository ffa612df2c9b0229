"""Name look-ups: those of names that strangers choose, in threads of their own. The event loop has a few threads for
all other names (SHKeeper's, nodes'), and a look-up goes on in its thread although nobody waits for it any more.

A name is looked up once at a time, for all who ask. One that took long is known for it: such names have a few places
for themselves, so that others are not behind them.
"""

import asyncio
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import ip_address
from threading import Thread

from coordinator.endpoints.addresses import Address
from providers.answers import NotReachedError

__all__ = ["NameLookUps"]

# Of names that are not known to be slow, and of those that are.
PLACES = 12
SLOW_PLACES = 4
# A resolver that is there answers in a tenth of that, also where it has to ask around.
SLOW_SECONDS = 2.0
# Ten for each endpoint that there can be.
REMEMBERED_NAMES = 1_000


class NameLookUps:
    """Those of one event loop."""

    def __init__(self) -> None:
        self._under_way: dict[str, asyncio.Future[Sequence[Address]]] = {}
        self._places = asyncio.Semaphore(PLACES)
        self._slow_places = asyncio.Semaphore(SLOW_PLACES)
        self._slow: dict[str, None] = {}

    async def addresses(self, host: str) -> Sequence[Address]:
        """The addresses that a name has. Raises NotReachedError."""
        with suppress(ValueError):
            return [_address(host)]
        while (found := self._under_way.get(host)) is None:
            places = self._slow_places if host in self._slow else self._places
            await places.acquire()
            if host in self._under_way or (host in self._slow) != (places is self._slow_places):
                places.release()
                continue
            self._begin(host, places)
        # Whoever gives up leaves the look-up to the others.
        return await asyncio.shield(found)

    def _begin(self, host: str, places: asyncio.Semaphore) -> None:
        loop = asyncio.get_running_loop()
        found = self._under_way[host] = loop.create_future()
        # Nobody may be left who waits for it.
        found.add_done_callback(lambda done: done.cancelled() or done.exception())
        begun = time.monotonic()

        def look_up() -> None:
            answer = _looked_up(host)
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(end, answer)

        def end(answer: Sequence[Address]) -> None:
            del self._under_way[host]
            places.release()
            self._note(host, is_slow=time.monotonic() - begun > SLOW_SECONDS)
            if answer:
                found.set_result(answer)
            else:
                found.set_exception(NotReachedError("its name leads nowhere"))

        # No executor: at its end Python would wait for the threads of one.
        Thread(target=look_up, name=f"look-up of {host}", daemon=True).start()

    def _note(self, host: str, *, is_slow: bool) -> None:
        self._slow.pop(host, None)
        if is_slow:
            self._slow[host] = None
            if len(self._slow) > REMEMBERED_NAMES:
                del self._slow[next(iter(self._slow))]


def _looked_up(host: str) -> Sequence[Address]:
    try:
        return [_address(str(one[4][0])) for one in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
    except (OSError, ValueError):  # among the latter what cannot be a name
        return ()


def _address(text: str) -> Address:
    return ip_address(text.partition("%")[0])
