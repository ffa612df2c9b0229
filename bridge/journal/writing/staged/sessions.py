"""The sessions' part of a batch."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete

from bridge.journal.tables import schema
from bridge.journal.writing.statements import Row, Writing, insert_into

__all__ = ["StagedSessions"]

_FORGET = delete(schema.sessions).where(schema.sessions.c.session_id == bindparam("by_session_id"))


class StagedSessions:
    """Staged writes about sessions, within one transaction."""

    def __init__(self, *, now: datetime) -> None:
        self._now = now
        self._contents: dict[str, tuple[str, bool] | None] = {}
        self.writes = 0
        """How many changes are staged."""

    def save(self, session_id: str, content: str, *, is_idle: bool) -> None:
        """Keeps a session as it is now."""
        self.writes += 1
        self._contents[session_id] = content, is_idle

    def forget(self, session_id: str) -> None:
        self.writes += 1
        self._contents[session_id] = None

    def statements(self) -> Sequence[tuple[Writing, list[Row]]]:
        """What is staged. A row that was there before makes way for its successor."""
        new_rows = [
            {"session_id": session_id, "content": kept[0], "is_idle": kept[1], "updated_at": self._now}
            for session_id, kept in self._contents.items()
            if kept is not None
        ]
        return [
            (_FORGET, [{"by_session_id": session_id} for session_id in self._contents]),
            (insert_into(schema.sessions), new_rows),
        ]
