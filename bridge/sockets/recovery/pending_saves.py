"""Changes on their way into a store: what comes while one save is under way is saved together, and what could not be
saved is tried again until it is."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Generic, TypeVar

from bridge.sockets.errors import ClientGoneError

__all__ = ["SAVED_AT_ONCE", "WOKEN_AT_ONCE", "PendingSaves"]

logger = logging.getLogger("bridge.sockets")

T = TypeVar("T")

# For what nobody waits for: most who connect have joined their rooms by then, and are saved once.
SOON_SECONDS = 1.0
RETRY_SECONDS = 1.0
# A save must hold neither the writer nor the event loop for long: webhooks wait for either.
SAVED_AT_ONCE = 100
# Each of those who wait for it then does something: no more of them in one turn of the event loop.
WOKEN_AT_ONCE = 20
# While nothing can be saved, clients come and go; of those who have gone, no more are kept in mind.
WAITING_LIMIT = 50_000


@dataclass(slots=True)
class _Batch(Generic[T]):
    changes: dict[str, T | None] = field(default_factory=dict)
    waiters: dict[str, list[asyncio.Future[None]]] = field(default_factory=dict)


class PendingSaves(Generic[T]):
    """The newest of each thing that is still to be saved, by its id; None: it is to be forgotten."""

    def __init__(
        self,
        save: Callable[[Mapping[str, T | None]], Awaitable[Collection[str]]],
        *,
        is_needed: Callable[[str], bool],
        on_lost: Callable[[str], object],
    ) -> None:
        """`save` returns what belongs to somebody else by now, which `on_lost` discards; `is_needed` says what must
        be kept in mind however long it waits."""
        self._save = save
        self._on_lost = on_lost
        self._is_needed = is_needed
        self._next: _Batch[T] = _Batch()
        self._under_way: _Batch[T] = _Batch()
        self._timer: asyncio.TimerHandle | None = None
        self._saving: asyncio.Task[None] | None = None
        self._failed_before = False

    def add(self, name: str, thing: T | None, *, soon: bool = False) -> None:
        """Something is to be saved, at once or soon."""
        self._next.changes[name] = thing
        if self._saving is not None:
            return
        if not soon:
            self._begin()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SOON_SECONDS, self._begin)

    def waits(self, name: str) -> bool:
        """Whether something is still to be saved, or to be forgotten."""
        return name in self._next.changes or name in self._under_way.changes

    def waiting(self, name: str) -> T | None:
        """Something that is still to be saved; None also if it is to be forgotten."""
        for batch in (self._next, self._under_way):
            if name in batch.changes:
                return batch.changes[name]
        return None

    def waiting_count(self, name: str) -> int:
        """How many wait until something is saved."""
        return sum(len(batch.waiters.get(name, ())) for batch in (self._next, self._under_way))

    def wait_until_saved(self, name: str) -> asyncio.Future[None]:
        """Done once something is saved as it is now. Raises ClientGoneError if it is abandoned."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        for batch in (self._next, self._under_way):
            if name in batch.changes:
                batch.waiters.setdefault(name, []).append(waiter)
                if self._saving is None:
                    self._begin()
                return waiter
        waiter.set_result(None)
        return waiter

    def abandon(self, name: str) -> None:
        """Nobody waits for something any more."""
        for batch in (self._next, self._under_way):
            for waiter in batch.waiters.pop(name, ()):
                if not waiter.done():
                    waiter.set_exception(ClientGoneError(f"{name} is gone"))

    def discard(self, name: str) -> None:
        """Something belongs to somebody else, so it is not saved any more."""
        self.abandon(name)
        for batch in (self._next, self._under_way):
            batch.changes.pop(name, None)

    async def close(self) -> None:
        """Saves what is still to be saved, once."""
        if self._timer is not None:
            self._timer.cancel()
        if self._saving is not None:
            self._saving.cancel()
            await asyncio.gather(self._saving, return_exceptions=True)
        # What was under way may have been saved, or not.
        changes = {**self._under_way.changes, **self._next.changes}
        self._under_way, self._next = _Batch(), _Batch()
        if changes:
            try:
                await self._save(changes)
            except Exception:
                logger.exception(
                    "%d sessions could not be saved; clients that return to them begin anew", len(changes)
                )

    def _begin(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._saving is None:
            self._saving = asyncio.create_task(self._save_all())

    async def _save_all(self) -> None:
        try:
            while self._next.changes:
                self._take()
                try:
                    lost = await self._save(dict(self._under_way.changes))
                except Exception as error:
                    self._put_back(error)
                    await asyncio.sleep(RETRY_SECONDS)
                else:
                    # But for what has been discarded in the meantime, and may have come back since.
                    for name in self._under_way.changes.keys() & set(lost):
                        self._on_lost(name)
                    await self._saved()
        finally:
            self._saving = None

    def _take(self) -> None:
        """What is saved next; the rest waits."""
        names = list(islice(self._next.changes, SAVED_AT_ONCE))
        for name in names:
            self._under_way.changes[name] = self._next.changes.pop(name)
            if name in self._next.waiters:
                self._under_way.waiters[name] = self._next.waiters.pop(name)

    async def _saved(self) -> None:
        saved, self._under_way = self._under_way, _Batch()
        if self._failed_before:
            self._failed_before = False
            logger.info("sessions can be saved again")
        waiting = [waiter for waiters in saved.waiters.values() for waiter in waiters]
        try:
            while len(waiting) > WOKEN_AT_ONCE:
                _wake(waiting[:WOKEN_AT_ONCE])
                del waiting[:WOKEN_AT_ONCE]
                await asyncio.sleep(0)
        finally:
            _wake(waiting)

    def _put_back(self, error: Exception) -> None:
        failed, self._under_way = self._under_way, _Batch()
        self._next.changes = failed.changes | self._next.changes
        for name, waiters in failed.waiters.items():
            self._next.waiters[name] = waiters + self._next.waiters.get(name, [])
        if not self._failed_before:
            self._failed_before = True
            logger.error("sessions cannot be saved: %s; trying again, joins are not answered until then", error)
        self._forget_some()

    def _forget_some(self) -> None:
        """Of those whom nobody needs the first: nobody was told that they are saved, so they were never promised."""
        excess = len(self._next.changes) - WAITING_LIMIT
        if excess > 0:
            spare = [name for name in self._next.changes if not self._is_needed(name)]
            for name in spare[:excess]:
                del self._next.changes[name]


def _wake(waiting: Iterable[asyncio.Future[None]]) -> None:
    for waiter in waiting:
        if not waiter.done():
            waiter.set_result(None)
