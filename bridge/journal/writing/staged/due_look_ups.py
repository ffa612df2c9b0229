"""The part of a batch that is about due look-ups: of which payments something was told that does not fit, or that is
not all, so that whoever asks the providers asks about them soon, at whichever bridge that is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, select

from bridge.journal.tables import schema
from bridge.journal.writing.statements import Row, Writing, insert_into

__all__ = ["DueLookUp", "StagedDueLookUps", "due_look_ups"]

_DUE = schema.due_look_ups
_FORGET = delete(_DUE).where(_DUE.c.payment_id == bindparam("by_payment_id"))
_SETTLE = _FORGET.where(_DUE.c.due_at <= bindparam("by_due_at"))
_FORGET_OLD = delete(_DUE).where(_DUE.c.due_at < bindparam("before"))
# Where nobody asks they are of no use; a payment that is open is asked about within the hour in any case.
RETENTION = timedelta(days=2)
AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class DueLookUp:
    """A payment that is to be asked about, whenever it is due."""

    payment_id: str
    provider: str
    due_at: datetime


def due_look_ups(connection: Connection) -> list[DueLookUp]:
    """Those that there are, the oldest first, up to a limit."""
    rows = connection.execute(select(_DUE).order_by(_DUE.c.due_at).limit(AT_ONCE))
    return [DueLookUp(row.payment_id, row.provider, row.due_at) for row in rows]


class StagedDueLookUps:
    """Staged writes about due look-ups, within one transaction."""

    def __init__(self, *, now: datetime) -> None:
        self._now = now
        self._due: dict[str, str] = {}
        self._settled: list[DueLookUp] = []
        self.writes = 0
        """How many changes are staged."""

    def add(self, payment_id: str, provider: str) -> None:
        """Has a payment asked about."""
        self.writes += 1
        self._due[payment_id] = provider

    def settle(self, settled: Sequence[DueLookUp]) -> None:
        """These were asked about; not what came up meanwhile."""
        self.writes += len(settled)
        self._settled += settled

    def statements(self) -> Sequence[tuple[Writing, Sequence[Row]]]:
        """What is staged. What was settled was so before any of this came."""
        rows = [
            {"payment_id": payment_id, "provider": provider, "due_at": self._now}
            for payment_id, provider in self._due.items()
        ]
        settled = [{"by_payment_id": one.payment_id, "by_due_at": one.due_at} for one in self._settled]
        return (
            (_SETTLE, settled),
            (_FORGET_OLD, [{"before": self._now - RETENTION}] if rows else []),
            (_FORGET, [{"by_payment_id": payment_id} for payment_id in self._due]),
            (insert_into(_DUE), rows),
        )
