"""The part of a batch that is about holding payouts back: whether they are, and the stop and the go."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select

from bridge.journal import schema
from bridge.journal.statements import Row, Writing, insert_into

__all__ = ["PayoutHold", "StagedHolds", "payout_hold"]

_RESUME = delete(schema.payout_holds).where(schema.payout_holds.c.hold_id >= bindparam("from_id"))


@dataclass(frozen=True, slots=True)
class PayoutHold:
    """That no payout is sent, since when, and at whose word."""

    held_at: datetime
    held_by: str
    note: str | None


def payout_hold(connection: Connection) -> PayoutHold | None:
    """The hold that there is; None if payouts are sent."""
    holds = schema.payout_holds
    row = connection.execute(select(holds).order_by(holds.c.hold_id).limit(1)).first()
    return None if row is None else PayoutHold(row.held_at, row.held_by, row.note)


class StagedHolds:
    """Reads and staged writes about the hold, within one transaction."""

    def __init__(self, connection: Connection, *, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._staged: list[PayoutHold | None] = []
        self.writes = 0
        """How many changes are staged."""

    @property
    def current(self) -> PayoutHold | None:
        """The hold as it stands, with everything staged so far."""
        return self._staged[-1] if self._staged else payout_hold(self._connection)

    def hold(self, by: str, note: str | None) -> PayoutHold:
        hold = PayoutHold(self._now, by, note)
        self._stage(hold)
        return hold

    def resume(self) -> None:
        self._stage(None)

    def _stage(self, hold: PayoutHold | None) -> None:
        self.writes += 1
        self._staged.append(hold)

    def statements(self) -> Sequence[tuple[Writing, Sequence[Row]]]:
        """What is staged: what was there goes, and the last that was said comes."""
        if not self._staged:
            return ()
        hold = self._staged[-1]
        row = hold and {"held_at": hold.held_at, "held_by": hold.held_by, "note": hold.note}
        return ((_RESUME, [{"from_id": 0}]), (insert_into(schema.payout_holds), [row] if row else []))
