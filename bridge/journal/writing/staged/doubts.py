"""The part of a batch that is about doubts: of which payments something was told that does not fit, or that is not
all, so that whoever asks the providers asks about them soon, at whichever bridge that is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, select

from bridge.journal.tables import schema
from bridge.journal.writing.statements import Row, Writing, insert_into

__all__ = ["Doubt", "StagedDoubts", "doubts"]

_DOUBTS = schema.doubts
_FORGET = delete(_DOUBTS).where(_DOUBTS.c.payment_id == bindparam("by_payment_id"))
_SETTLE = _FORGET.where(_DOUBTS.c.doubted_at <= bindparam("by_doubted_at"))
_FORGET_OLD = delete(_DOUBTS).where(_DOUBTS.c.doubted_at < bindparam("before"))
# Where nobody asks they are of no use; a payment that is open is asked about within the hour in any case.
KEPT_FOR = timedelta(days=2)
AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Doubt:
    """A payment that is to be asked about, whenever it is due."""

    payment_id: str
    provider: str
    doubted_at: datetime


def doubts(connection: Connection) -> list[Doubt]:
    """Those that there are, the oldest first, up to a limit."""
    rows = connection.execute(select(_DOUBTS).order_by(_DOUBTS.c.doubted_at).limit(AT_ONCE))
    return [Doubt(row.payment_id, row.provider, row.doubted_at) for row in rows]


class StagedDoubts:
    """Staged writes about doubts, within one transaction."""

    def __init__(self, *, now: datetime) -> None:
        self._now = now
        self._doubted: dict[str, str] = {}
        self._settled: list[Doubt] = []
        self.writes = 0
        """How many changes are staged."""

    def add(self, payment_id: str, provider: str) -> None:
        """Has a payment asked about."""
        self.writes += 1
        self._doubted[payment_id] = provider

    def settle(self, doubts: Sequence[Doubt]) -> None:
        """These were asked about; not what came up meanwhile."""
        self.writes += len(doubts)
        self._settled += doubts

    def statements(self) -> Sequence[tuple[Writing, Sequence[Row]]]:
        """What is staged. What was settled was so before any of this was doubted."""
        rows = [
            {"payment_id": payment_id, "provider": provider, "doubted_at": self._now}
            for payment_id, provider in self._doubted.items()
        ]
        settled = [{"by_payment_id": one.payment_id, "by_doubted_at": one.doubted_at} for one in self._settled]
        return (
            (_SETTLE, settled),
            (_FORGET_OLD, [{"before": self._now - KEPT_FOR}] if rows else []),
            (_FORGET, [{"by_payment_id": payment_id} for payment_id in self._doubted]),
            (insert_into(_DOUBTS), rows),
        )
