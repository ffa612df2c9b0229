"""The part of a batch that is about alerts: what is remembered of what needs a person, and of who was told."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from datetime import datetime

from sqlalchemy import Connection, RowMapping, bindparam, delete, select

from bridge.journal.tables import schema
from bridge.journal.writing.statements import Row, Writing, insert_into
from coordinator.attention.alert_messages import AlertSending
from coordinator.attention.alert_schedule import DestinationState
from coordinator.attention.alerts import Alert

__all__ = ["StagedAlerts", "alert_from_text", "state_from_row"]

_ALERT = select(schema.alerts.c.content).where(schema.alerts.c.key == bindparam("by_key"))
_FORGET = delete(schema.alerts).where(schema.alerts.c.key == bindparam("by_key"))
_FORGET_STATE = delete(schema.alert_destinations).where(
    schema.alert_destinations.c.destination == bindparam("by_destination")
)


def alert_from_text(content: str) -> Alert:
    return Alert.model_validate_json(content)


def state_from_row(row: RowMapping) -> DestinationState:
    text = row["in_doubt"]
    return DestinationState(**{**row, "in_doubt": None if text is None else AlertSending.model_validate_json(text)})


def _state_row(state: DestinationState) -> Row:
    row = {field.name: getattr(state, field.name) for field in fields(state)}
    in_doubt = state.in_doubt
    return {**row, "in_doubt": None if in_doubt is None else in_doubt.model_dump_json()}


class StagedAlerts:
    """Reads and staged writes about alerts, within one transaction."""

    def __init__(self, connection: Connection, *, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._alerts: dict[str, Alert] = {}
        self._steps: list[Row] = []
        self._states: dict[str, DestinationState | None] = {}
        self.writes = 0
        """How many changes are staged."""

    def get(self, key: str) -> Alert | None:
        """An alert as it stands, with everything staged so far."""
        if key in self._alerts:
            return self._alerts[key]
        content = self._connection.scalar(_ALERT, {"by_key": key})
        return None if content is None else alert_from_text(content)

    def among(self, keys: Collection[str]) -> Mapping[str, Alert]:
        """Those of some that are remembered."""
        found = {key: self.get(key) for key in keys}
        return {key: alert for key, alert in found.items() if alert is not None}

    def put(self, alert: Alert) -> None:
        self.writes += 1
        self._alerts[alert.key] = alert

    def add_step(self, step: Row) -> None:
        """Writes down what happened to one."""
        self.writes += 1
        self._steps.append(step)

    def put_state(self, state: DestinationState) -> None:
        """How it goes with telling a destination."""
        self.writes += 1
        self._states[state.destination] = state

    def forget_state(self, destination: str) -> None:
        """Nobody is to be told there any more."""
        self.writes += 1
        self._states[destination] = None

    def _row(self, alert: Alert) -> Row:
        settled_at = self._now if alert.is_settled else None
        content = alert.model_dump_json()
        return {"key": alert.key, "ended_at": alert.ended_at, "settled_at": settled_at, "content": content}

    def statements(self) -> Sequence[tuple[Writing, Sequence[Row]]]:
        """What is staged. A row that was there before makes way for its successor."""
        return (
            (_FORGET, [{"by_key": key} for key in self._alerts]),
            (
                insert_into(schema.alerts),
                [self._row(alert) for alert in self._alerts.values()],
            ),
            (insert_into(schema.alert_steps), self._steps),
            (_FORGET_STATE, [{"by_destination": destination} for destination in self._states]),
            (
                insert_into(schema.alert_destinations),
                [_state_row(one) for one in self._states.values() if one is not None],
            ),
        )
