"""Sends the journal's events to the endpoints that services have registered. One bridge does so at a time, of those
that share the journal, and goes on where the last one was: how far each endpoint is stands in the journal."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from bridge.journal import SENDING_EVENTS, Journal, JournalUnavailableError
from bridge.workers.endpoints.feeds import BEHIND, DELIVERIES, OUTCOMES, Feed
from coordinator.endpoints.endpoints import Endpoint, EndpointRules

if TYPE_CHECKING:
    from bridge.workers.endpoints.sending import EndpointSender

__all__ = ["Endpoints"]

logger = logging.getLogger("bridge.endpoints")

# Nothing depends on being woken.
POLL_SECONDS = 30.0
RETRY_SECONDS = 1.0


class Endpoints:
    """A feed for each endpoint, none of which waits for another."""

    def __init__(
        self, journal: Journal, rules: EndpointRules, *, granted: Callable[[Endpoint], frozenset[str]]
    ) -> None:
        """`granted` names the events that an endpoint may be sent at present; none, if it has to wait."""
        self._journal = journal
        self._rules = rules
        self._granted = granted
        self._woken = journal.wakeups.of(SENDING_EVENTS)
        self._feeds: dict[str, tuple[Feed, asyncio.Task[None]]] = {}
        self._sender: EndpointSender | None = None

    def note_newest(self, newest: int) -> None:
        """There are events up to this one."""
        for feed, _ in self._feeds.values():
            feed.note_newest(newest)

    async def run(self) -> None:
        """Sends until it is cancelled."""
        try:
            while True:
                self._woken.clear()
                try:
                    await self._follow({one.endpoint_id: one for one in await self._journal.endpoints.all()})
                except JournalUnavailableError:
                    await asyncio.sleep(RETRY_SECONDS)  # whoever reads has said why
                    continue
                try:
                    async with asyncio.timeout(POLL_SECONDS):
                        await self._woken.wait()
                except TimeoutError:
                    pass
        finally:
            await self._follow({})
            if self._sender is not None:
                await self._sender.aclose()
                self._sender = None

    async def _follow(self, there: Mapping[str, Endpoint]) -> None:
        """Has a feed for each that is there, as it is now."""
        over = [
            name for name, (feed, task) in self._feeds.items() if task.done() or _is_another(feed, there.get(name))
        ]
        tasks = [self._feeds.pop(name)[1] for name in over]
        for name, task in zip(over, tasks, strict=True):
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                logger.error("what is sent to %s has failed, and is begun again", name, exc_info=error)
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for name, endpoint in there.items():
            if name in self._feeds:
                self._feeds[name][0].wake()
            else:
                self._feeds[name] = self._begun(endpoint)
        for name in over:
            if name not in there:
                _forget_figures(name)

    def _begun(self, endpoint: Endpoint) -> tuple[Feed, asyncio.Task[None]]:
        if self._sender is None:
            # Most bridges send to nobody, and need no client of HTTP for it.
            from bridge.workers.endpoints.sending import EndpointSender

            self._sender = EndpointSender(self._rules, self._journal.clock)
        feed = Feed(self._journal, endpoint, self._sender.send, self._rules, granted=self._granted)
        return feed, asyncio.create_task(feed.run())


def _is_another(feed: Feed, endpoint: Endpoint | None) -> bool:
    return endpoint is None or endpoint.version != feed.endpoint.version


def _forget_figures(endpoint_id: str) -> None:
    """What is not sent from here any more has no figures here."""
    with suppress(KeyError):
        BEHIND.remove(endpoint_id)
    for outcome in OUTCOMES:
        with suppress(KeyError):
            DELIVERIES.remove(endpoint_id, outcome)
