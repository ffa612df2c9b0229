"""What the sockets need of the journal to put clients that come back where they were."""

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.journal import Journal
from bridge.sockets.remembered import Told
from bridge.sockets.sessions import Session

__all__ = ["JournalHistory", "JournalSessions"]


class JournalHistory:
    """What was told, out of the journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def offset_text(self, number: int) -> str:
        return self._journal.offset_text(number)

    def read_offset(self, text: str) -> int:
        return self._journal.read_offset(text)

    async def oldest(self) -> int:
        return await self._journal.oldest_offset()

    async def newest(self) -> int:
        return await self._journal.newest_offset()

    async def was_further(self, number: int) -> None:
        await self._journal.history.begin_after_rewind(
            f"a client proves by its signed session that there were {number} events, and there are fewer"
        )

    async def heard(
        self, names: Sequence[str], *, everyone: bool, after: int, limit: int
    ) -> tuple[Sequence[Told], bool]:
        stretch = await self._journal.room_events(names, everyone=everyone, hidden=(), after=after, limit=limit)
        return [Told(one.offset, one.event) for one in stretch.events], stretch.more


class JournalSessions:
    """Sessions, kept in the journal's database."""

    def __init__(self, journal: Journal) -> None:
        self._records = journal.sessions

    @property
    def key(self) -> bytes:
        return self._records.key

    async def save(self, sessions: Mapping[str, Session | None]) -> None:
        await self._records.save({sid: None if one is None else _content(one) for sid, one in sessions.items()})

    async def load(self, sid: str) -> Session | None:
        content = await self._records.load(sid)
        return None if content is None else Session(sid, content["beganAt"], content["rooms"], set(content["online"]))


def _content(session: Session) -> dict[str, Any]:
    return {"beganAt": session.began_at, "rooms": dict(session.rooms), "online": sorted(session.online)}
