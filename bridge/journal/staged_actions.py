"""The console's part of a batch: what people did, and the webhooks that they had read again."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update

from bridge.journal import schema
from bridge.journal.statements import Row, Writing, insert_into

__all__ = ["Action", "StagedActions"]

_READ = (
    update(schema.unreadable_webhooks)
    .where(schema.unreadable_webhooks.c.webhook_id == bindparam("by_webhook_id"))
    .values(read_at=bindparam("new_read_at"))
)


@dataclass(frozen=True, slots=True)
class Action:
    """What somebody did."""

    action_id: int
    at: datetime
    by: str
    action: str
    """`replay`, `recheck` or `resolution`."""
    subject: str
    """The webhook or payout that it was done to."""
    concerns: str | None
    """The payment or payout whose past it belongs to."""
    outcome: str


class StagedActions:
    """Staged writes about what people did, within one transaction."""

    def __init__(self, connection: Connection, *, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._actions: list[Action] = []
        self._read: list[dict[str, Any]] = []
        self.writes = 0
        """How many changes are staged."""

    def add(self, action: str, subject: str, outcome: str, *, by: str, concerns: str | None) -> Action:
        """Writes down what somebody did."""
        self.writes += 1
        if self._actions:
            action_id = self._actions[-1].action_id + 1
        else:
            action_id = (self._connection.scalar(select(func.max(schema.actions.c.action_id))) or 0) + 1
        added = Action(action_id, self._now, by, action, subject, concerns, outcome)
        self._actions.append(added)
        return added

    def webhook_was_read(self, webhook_id: int) -> None:
        """A webhook that made no sense does now, so nobody has to look at it any more."""
        self.writes += 1
        self._read.append({"by_webhook_id": webhook_id, "new_read_at": self._now})

    def statements(self) -> Sequence[tuple[Writing, list[Row]]]:
        """What is staged, one statement a table."""
        return [(insert_into(schema.actions), [asdict(action) for action in self._actions]), (_READ, self._read)]
