"""Telling people of what needs them: one bridge at a time looks what there is, remembers it, and tells each
destination what it is to hear. What is told is written down before it is sent and after it arrived, so that everybody
is told at least once, nobody again because a bridge was restarted, and what may have arrived is repeated as it was.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from prometheus_client import Counter as Counted
from prometheus_client import Gauge

from bridge.journal import Journal, JournalUnavailableError
from bridge.workers.alerts.destinations import Destination
from bridge.workers.alerts.undelivered import DoubtfulError, MessageRefusedError, UndeliveredError
from bridge.workers.health.checks import DegradedError
from bridge.workers.logged_failures import logged_failures
from coordinator.attention.alert_messages import AlertSending, Reported, sending_name
from coordinator.attention.alert_schedule import (
    AlertBatch,
    DestinationState,
    Schedule,
    delivered,
    due_batch,
    failed,
    to_repeat,
)
from coordinator.attention.alerts import Alert, AlertState, Reminders, observed
from coordinator.attention.items import Attention, AttentionKind
from coordinator.attention.messages import message_of
from coordinator.attention.severities import Severities, Severity

__all__ = ["Alerting", "NeedsAPerson", "check_delivery"]

logger = logging.getLogger("bridge.alerts")

# Whoever could not be told of an end for so long does not need to hear of it any more.
ENDINGS_REPORTED_FOR = timedelta(days=7)

ALERTS = Gauge(
    "bridge_alerts", "What needs a person, by how bad it is and what people do about it", ["severity", "state"]
)
MESSAGES = Counted("bridge_alert_messages", "Messages to those who are told of it", ["channel", "outcome"])
FAILING = Gauge("bridge_alert_channel_failing_seconds", "How long a channel has taken no message", ["channel"])


@dataclass(frozen=True, slots=True)
class NeedsAPerson:
    """What needs a person now."""

    items: Sequence[Attention]
    more_of: Collection[str]
    """The kinds of which there are more than these."""


class Alerting:
    """One task that looks every few seconds."""

    def __init__(
        self,
        journal: Journal,
        find: Callable[[], Awaitable[NeedsAPerson]],
        destinations: Sequence[Destination],
        *,
        schedule: Schedule,
        severities: Severities,
        console_url: str,
        look_seconds: float,
        remind_after: timedelta | None = None,
    ) -> None:
        """Whoever was told of what is critical is told again after `remind_after`, as long as it is open."""
        self._journal = journal
        self._find = find
        self._destinations = {one.name: one for one in destinations}
        self._schedule = schedule
        self._severities = severities
        self._reminders = None if remind_after is None else Reminders(remind_after, severities)
        self._console_url = console_url
        self._look_seconds = look_seconds
        self._deliveries: dict[str, asyncio.Task[None]] = {}
        """Which destinations are being told."""

    async def run(self) -> None:
        """Goes round until it is cancelled."""
        try:
            while True:
                await asyncio.sleep(self._look_seconds)
                with logged_failures(logger, "look what needs a person"):
                    await self.round()
        finally:
            for task in self._deliveries.values():
                task.cancel()
            await asyncio.gather(*self._deliveries.values(), return_exceptions=True)
            self._deliveries.clear()
            ALERTS.clear()
            FAILING.clear()

    async def round(self) -> None:
        """Looks once, and begins to tell whoever is to hear something."""
        # Whoever is being told now may have been by the time at which the alerts were read.
        busy = frozenset(self._deliveries)
        alerts = await self._update_alerts()
        now = self._journal.clock()
        states = {one.destination: one for one in await self._journal.alerts.states()}
        gone = states.keys() - self._destinations.keys()
        if gone:
            await self._journal.alerts.forget_standings(sorted(gone))
        self._measure(alerts, states.values(), now)
        for name, destination in self._destinations.items():
            state = states.get(name) or DestinationState(name)
            if name not in busy:
                own = f"{AttentionKind.ALERTS_UNDELIVERED}:{name}"
                others = [one for one in alerts if one.key != own]
                batch = due_batch(others, state, destination.rules, self._schedule, self._severities, now)
                sending = to_repeat(state, batch, self._schedule, now)
                if sending is None and state.in_doubt is None and batch is not None:
                    sending = self._sending(name, batch)
                if sending is not None:
                    self._deliveries[name] = asyncio.create_task(self._deliver(destination, state, sending))

    async def told(self) -> None:
        """Waits until nobody is being told any more."""
        await asyncio.gather(*self._deliveries.values())

    async def _update_alerts(self) -> Sequence[Alert]:
        found, records = await self._find(), self._journal.alerts
        now = self._journal.clock()
        known = dict(await records.alerts(now - ENDINGS_REPORTED_FOR))
        settled = [item.key for item in found.items if item.key not in known]
        known |= await records.among(settled) if settled else {}
        changes = observed(known, found.items, found.more_of, now, self._reminders)
        changed = {one.alert.key: one.alert for one in changes}
        if not changed:
            return list(known.values())
        items = [item for item in found.items if item.key in changed]
        gone = [key for key, alert in changed.items() if alert.ended_at is not None]
        await records.observe(items, gone, self._severities, self._reminders)
        return list((await records.alerts(now - ENDINGS_REPORTED_FOR)).values())

    def _sending(self, name: str, batch: AlertBatch) -> AlertSending:
        message = message_of(batch, self._severities, self._console_url)
        new, over = (
            tuple(Reported(key=one.key, news_at=one.news_at) for one in some) for some in (batch.new, batch.over)
        )
        return AlertSending(
            name=sending_name(name, new, over), message=message, new=new, over=over, is_digest=batch.is_digest
        )

    async def _deliver(self, destination: Destination, state: DestinationState, sending: AlertSending) -> None:
        try:
            # Written down before it leaves: whoever is killed meanwhile has it repeated as it was.
            await self._journal.alerts.record_state(replace(state, in_doubt=sending))
            await destination.send(sending.message, sending.name)
        except JournalUnavailableError as error:
            logger.warning("%s is not told of what needs a person yet: %s", destination.name, error)
        except DoubtfulError as error:
            await self._note_failure(destination, state, str(error), sending)
        except MessageRefusedError as error:
            await self._note_failure(destination, state, str(error), None)
        except UndeliveredError as error:
            await self._note_failure(destination, state, str(error), state.in_doubt)
        except Exception as error:
            logger.exception("a message to %s could not be sent", destination.name)
            await self._note_failure(destination, state, f"a fault of the bridge's own: {type(error).__name__}", None)
        else:
            MESSAGES.labels(destination.channel, "delivered").inc()
            # What is not written down is told again: at least once is what is promised.
            await self._written(
                lambda: self._journal.alerts.record_sending(delivered(state, self._journal.clock()), sending)
            )
        finally:
            self._deliveries.pop(destination.name, None)

    async def _note_failure(
        self, destination: Destination, state: DestinationState, problem: str, in_doubt: AlertSending | None
    ) -> None:
        MESSAGES.labels(destination.channel, "failed").inc()
        present = failed(state, problem, self._schedule, self._journal.clock(), in_doubt)
        logger.warning("%s was not told of what needs a person: %s; trying again", destination.name, problem)
        await self._written(lambda: self._journal.alerts.record_state(present))

    async def _written(self, write: Callable[[], Awaitable[None]]) -> None:
        try:
            await write()
        except JournalUnavailableError as error:
            logger.warning("it is not written down who was told of what needs a person: %s", error)

    def _measure(self, alerts: Sequence[Alert], states: Collection[DestinationState], now: datetime) -> None:
        counts = Counter((self._severities.of(one.kind), one.state(now)) for one in alerts)
        for severity in Severity:
            for state in (AlertState.OPEN, AlertState.SNOOZED, AlertState.CLOSED):
                ALERTS.labels(severity, state).set(counts[severity, state])
        failing = {one.destination: one.failing_since for one in states if one.failing_since is not None}
        for channel in {one.channel for one in self._destinations.values()}:
            since = [
                failing[one.name]
                for one in self._destinations.values()
                if one.channel == channel and one.name in failing
            ]
            FAILING.labels(channel).set(max(((now - at).total_seconds() for at in since), default=0))


async def check_delivery(journal: Journal) -> str | None:
    """Whether those who are to be told are. Raises DegradedError."""
    silent = [one for one in await journal.alerts.states() if one.is_undelivered]
    if silent:
        first = silent[0]
        raise DegradedError(f"{first.destination} is not told of what needs a person: {first.problem}")
    return None
