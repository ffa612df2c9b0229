"""Alerts as the rest of the bridge has them written down and looks them up."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, or_, select, text

from bridge.journal.queries.readers import Read
from bridge.journal.records.nodes import NodeRecords
from bridge.journal.requests import alerts as alert_requests
from bridge.journal.tables import schema
from bridge.journal.wakeups import ALERTS
from bridge.journal.writing.batch import Batch
from bridge.journal.writing.staged.actions import Action
from bridge.journal.writing.staged.alerts import alert_from_text, state_from_row
from bridge.journal.writing.writer import Submit
from coordinator.attention.alert_messages import AlertSending
from coordinator.attention.alert_schedule import DestinationState
from coordinator.attention.alerts import Alert, AlertChange, Reminders
from coordinator.attention.items import Attention
from coordinator.attention.severities import Severities

__all__ = ["AlertRecords", "AlertStep"]

STEPS_LIMIT = 500


@dataclass(frozen=True, slots=True)
class AlertStep:
    """What happened to an alert."""

    at: datetime
    by: str
    what: str
    words: str


class AlertRecords:
    """What is remembered of what needs a person. Writing raises JournalUnavailableError."""

    def __init__(self, read: Read, submit: Submit, nodes: NodeRecords) -> None:
        self._read = read
        self._submit = submit
        self._nodes = nodes

    # Looking up

    async def alerts(self, ended_since: datetime) -> Mapping[str, Alert]:
        """Those that have not ended, and those that have since then and of which somebody does not know so who was
        told of them, by what they are called on the list."""
        return await self._read(_alerts, ended_since)

    async def among(self, keys: Collection[str]) -> Mapping[str, Alert]:
        """Those of some that are remembered."""
        return await self._read(_among, keys)

    async def steps(self, key: str) -> list[AlertStep]:
        """What happened to one, oldest first; of many the last."""
        return await self._read(_steps, key)

    async def states(self) -> list[DestinationState]:
        """How it goes with telling each destination that was told, or was to be."""
        return await self._read(_states)

    # Writing

    async def observe(
        self,
        items: Sequence[Attention],
        gone: Collection[str],
        severities: Severities,
        reminders: Reminders | None = None,
    ) -> None:
        """Remembers that these need a person, and that others do so no more; while this bridge may."""
        await self._submit_alone(
            lambda batch: alert_requests.observe_alerts(batch, items, gone, severities, reminders)
        )

    async def act(
        self,
        item: Attention,
        act: Callable[[Alert, datetime], AlertChange],
        *,
        action: str,
        by: str,
        severities: Severities,
    ) -> tuple[Alert, Action]:
        """Has a person do something about what needs one."""
        return await self._submit(
            lambda batch: alert_requests.act_on_alert(batch, item, act, action=action, by=by, severities=severities)
        )

    async def record_sending(self, state: DestinationState, sending: AlertSending) -> None:
        """A destination was told."""
        await self._submit_alone(lambda batch: alert_requests.record_sending(batch, state, sending))

    async def record_state(self, state: DestinationState) -> None:
        """A destination is being told, or was not."""
        await self._submit_alone(lambda batch: batch.alerts.put_state(state))

    async def forget_standings(self, destinations: Collection[str]) -> None:
        """Nobody is to be told there any more."""

        def request(batch: Batch) -> None:
            for destination in destinations:
                batch.alerts.forget_state(destination)

        await self._submit_alone(request)

    async def _submit_alone(self, request: Callable[[Batch], object]) -> None:
        """Another bridge may have taken over: then what it knows counts."""
        await self._submit(lambda batch: request(batch) if self._nodes.holds(batch, ALERTS) else None)


def _alerts(connection: Connection, ended_since: datetime) -> dict[str, Alert]:
    alerts = schema.alerts
    rows = connection.execute(
        select(alerts).where(
            text(schema.UNSETTLED),  # in the words of the index, or it would not be used
            or_(alerts.c.ended_at.is_(None), alerts.c.ended_at >= ended_since),
        )
    )
    return {row.key: alert_from_text(row.content) for row in rows}


def _among(connection: Connection, keys: Collection[str]) -> dict[str, Alert]:
    alerts = schema.alerts
    rows = connection.execute(select(alerts).where(alerts.c.key.in_(keys)))
    return {row.key: alert_from_text(row.content) for row in rows}


def _steps(connection: Connection, key: str) -> list[AlertStep]:
    steps = schema.alert_steps
    rows = connection.execute(
        select(steps).where(steps.c.key == key).order_by(steps.c.step_id.desc()).limit(STEPS_LIMIT)
    )
    return [AlertStep(row.at, row.by, row.what, row.words) for row in rows][::-1]


def _states(connection: Connection) -> list[DestinationState]:
    rows = connection.execute(select(schema.alert_destinations).order_by(schema.alert_destinations.c.destination))
    return [state_from_row(row) for row in rows.mappings()]
