"""The part of a batch that is about holding payouts back: whether they are, and the stop and the go."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select

from bridge.journal.tables import schema
from bridge.journal.writing.statements import Row, Writing, insert_into

__all__ = ["THE_BRIDGE", "PayoutHold", "StagedHolds", "payout_hold"]

THE_BRIDGE = "the bridge"
"""Who holds payouts, on record, where nobody did."""

_RESUME = delete(schema.payout_holds).where(schema.payout_holds.c.hold_id >= bindparam("from_id"))


@dataclass(frozen=True, slots=True)
class PayoutHold:
    """That no payout is sent, since when, and at whose word."""

    held_at: datetime
    held_by: str
    note: str | None
    epoch: str | None = None
    """The history that began with it, whose books are to be compared; None if somebody holds them."""


def payout_hold(connection: Connection) -> PayoutHold | None:
    """The hold that there is; None if payouts are sent."""
    holds = schema.payout_holds
    row = connection.execute(select(holds).order_by(holds.c.hold_id).limit(1)).first()
    return None if row is None else PayoutHold(row.held_at, row.held_by, row.note, row.epoch)


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

    def hold(self, by: str, note: str | None, epoch: str | None = None) -> PayoutHold:
        hold = PayoutHold(self._now, by, note, epoch)
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
        row = hold and asdict(hold)
        return ((_RESUME, [{"from_id": 0}]), (insert_into(schema.payout_holds), [row] if row else []))
