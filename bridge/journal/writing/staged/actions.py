"""The console's part of a batch: what people did, and the webhooks that they had read again."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update

from bridge.journal.tables import schema
from bridge.journal.writing.statements import Row, Writing, insert_into
from coordinator.attention.items import AttentionKind

__all__ = [
    "DISMISS",
    "DISMISSED_AT",
    "OFF_THE_LIST",
    "SETTLE",
    "Action",
    "StagedActions",
    "waiting_key",
    "waiting_name",
]

DISMISS = "dismiss"
"""What it is called in the record when somebody takes something off the list."""
SETTLE = "settlement"
"""What it is called when somebody has settled elsewhere what is wrong with a payment."""
OFF_THE_LIST = (DISMISS, SETTLE)
DISMISSED_AT = select(func.max(schema.actions.c.at, type_=schema.UtcDateTime)).where(
    schema.actions.c.action == DISMISS, schema.actions.c.subject == bindparam("by_subject")
)

_LAST_OF = (
    select(schema.actions)
    .where(schema.actions.c.concerns == bindparam("by_concerns"), schema.actions.c.action == bindparam("by_action"))
    .order_by(schema.actions.c.action_id.desc())
    .limit(1)
)
_READ = (
    update(schema.unreadable_webhooks)
    .where(schema.unreadable_webhooks.c.webhook_id == bindparam("by_webhook_id"))
    .values(read_at=bindparam("new_read_at"))
)


def waiting_name(observation_id: int) -> str:
    """What is called what waits for its payment, by the first message of it."""
    return f"waiting_{observation_id}"


def waiting_key(observation_id: int) -> str:
    """What it is called on the list of what needs a person."""
    return f"{AttentionKind.WEBHOOK_UNMATCHED}:{waiting_name(observation_id)}"


@dataclass(frozen=True, slots=True)
class Action:
    """What somebody did."""

    action_id: int
    at: datetime
    by: str
    action: str
    """`replay`, `recheck`, `resolution`, `approval`, `rejection`, `acceptance`, `cancellation`, `waiting`,
    `settlement`, `hold`, `resume`, `dismiss`, `assignment`, `note`, `snooze`, `closure`, `reopening`,
    `destination-added`, `destination-removed`, `access`, `wallet-movement`, or one of an endpoint, such as
    `endpoint-registered`."""
    subject: str
    """The webhook, payout, payment or wallet that it was done to, the seller whose list it is, the item of the list,
    or whose access it was."""
    concerns: str | None
    """The payment or payout whose past it belongs to."""
    outcome: str


class StagedActions:
    """Staged writes about what people did, within one transaction."""

    def __init__(self, connection: Connection, *, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self.added: list[Action] = []
        """What people did."""
        self._read: list[dict[str, Any]] = []
        self.writes = 0
        """How many changes are staged."""

    def dismissed_at(self, subject: str) -> datetime | None:
        """When a person took something off the list last, by what it is called there."""
        found: datetime | None = self._connection.scalar(DISMISSED_AT, {"by_subject": subject})
        return found

    def last(self, action: str, concerns: str) -> Action | None:
        """What was done last of one kind about a payment or payout."""
        staged = [one for one in self.added if (one.action, one.concerns) == (action, concerns)]
        if staged:
            return staged[-1]
        row = self._connection.execute(_LAST_OF, {"by_action": action, "by_concerns": concerns}).mappings().first()
        return None if row is None else Action(**row)

    def add(self, action: str, subject: str, outcome: str, *, by: str, concerns: str | None) -> Action:
        """Writes down what somebody did."""
        self.writes += 1
        if self.added:
            action_id = self.added[-1].action_id + 1
        else:
            action_id = (self._connection.scalar(select(func.max(schema.actions.c.action_id))) or 0) + 1
        added = Action(action_id, self._now, by, action, subject, concerns, outcome)
        self.added.append(added)
        return added

    def webhook_was_read(self, webhook_id: int) -> None:
        """A webhook that made no sense does now, so nobody has to look at it any more."""
        self.writes += 1
        self._read.append({"by_webhook_id": webhook_id, "new_read_at": self._now})

    def statements(self) -> Sequence[tuple[Writing, list[Row]]]:
        """What is staged, one statement a table."""
        return [(insert_into(schema.actions), [asdict(action) for action in self.added]), (_READ, self._read)]
