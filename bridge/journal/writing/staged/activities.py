"""The activities' part of a batch: who is online and who types at the bridges that share the journal, and who did.

A change has the number of the commit that it came with. A batch has the head of the journal locked, so whoever has
read up to a number misses nothing that comes before it.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, false, func, select

from bridge.catalogue.activities import UserActivity
from bridge.journal.tables import schema
from bridge.journal.tables.rows import activity_row
from bridge.journal.writing.statements import Row, Writing, insert_into

__all__ = ["ENDED_RETENTION", "StagedActivities"]

_ROWS = schema.activities.c
_COMMITS = select(schema.journal.c.commits)
_FORGET = delete(schema.activities).where(
    _ROWS.node == bindparam("by_node"), _ROWS.user_id == bindparam("by_user"), _ROWS.chat_id == bindparam("by_chat")
)
_FORGET_ENDED = delete(schema.activities).where(
    _ROWS.is_on == false(), func.coalesce(_ROWS.said_at, _ROWS.at) < bindparam("before", type_=_ROWS.at.type)
)
ENDED_RETENTION = timedelta(hours=1)
"""For so long one can read that somebody has gone or does not type any more."""


class StagedActivities:
    """Staged writes about activities, within one transaction."""

    def __init__(self, connection: Connection, *, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._rows: dict[tuple[str, str, str], Row] = {}
        self._is_tidied = False
        self._change: int | None = None
        self.writes = 0
        """How many changes are staged."""

    def note(self, node: str, activities: Collection[UserActivity]) -> None:
        """What has changed at a node, in order."""
        if self._change is None:
            self._change = (self._connection.scalar(_COMMITS) or 0) + 1
        for one in activities:
            self.writes += 1
            key = (node, one.user_id, one.chat_id or "")
            self._rows[key] = activity_row(node, one) | {"change": self._change, "said_at": self._now}

    def tidy(self) -> None:
        """Forgets what has ended long ago."""
        self._is_tidied = True
        self.writes += 1

    def statements(self) -> Sequence[tuple[Writing, Sequence[Row]]]:
        """What is staged. A row that was there before makes way for its successor."""
        return (
            (_FORGET_ENDED, [{"before": self._now - ENDED_RETENTION}] if self._is_tidied else []),
            (_FORGET, [{"by_node": node, "by_user": user, "by_chat": chat} for node, user, chat in self._rows]),
            (insert_into(schema.activities), list(self._rows.values())),
        )
