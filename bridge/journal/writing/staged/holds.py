"""The part of a batch that is about holding payouts back: who does, and the stop and the go."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select

from bridge.journal.tables import schema
from bridge.journal.writing.statements import Row, Writing, insert_into

__all__ = ["THE_BRIDGE", "PayoutHold", "StagedHolds", "payout_holds"]

THE_BRIDGE = "the bridge"
"""Who holds payouts, on record, where nobody did."""

_HOLDS = schema.payout_holds
_RESUME = delete(_HOLDS).where(_HOLDS.c.hold_id >= bindparam("from_id"))
_END_OWN = delete(_HOLDS).where(_HOLDS.c.hold_id >= bindparam("from_id"), _HOLDS.c.epoch.is_not(None))


@dataclass(frozen=True, slots=True)
class PayoutHold:
    """That no payout is sent, since when, and at whose word."""

    held_at: datetime
    held_by: str
    note: str | None
    epoch: str | None = None
    """The history that began with it, whose books are to be compared; None if somebody holds them."""


def payout_holds(connection: Connection) -> tuple[PayoutHold, ...]:
    """All that hold payouts, in their order: people, then the bridge. None if payouts are sent."""
    rows = connection.execute(select(_HOLDS).order_by(_HOLDS.c.hold_id)).all()
    return _in_order(PayoutHold(row.held_at, row.held_by, row.note, row.epoch) for row in rows)


def _in_order(holds: Iterable[PayoutHold]) -> tuple[PayoutHold, ...]:
    return tuple(sorted(holds, key=lambda hold: hold.epoch is not None))


class StagedHolds:
    """Reads and staged writes about the holds, within one transaction."""

    def __init__(self, connection: Connection, *, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._staged: list[PayoutHold] = []
        self._ended: Writing | None = None
        self.writes = 0
        """How many changes are staged."""

    @property
    def current(self) -> tuple[PayoutHold, ...]:
        """The holds as they stand, with everything staged so far."""
        stored = () if self._ended is _RESUME else payout_holds(self._connection)
        kept = (hold for hold in stored if self._ended is None or hold.epoch is None)
        return _in_order((*kept, *self._staged))

    def hold(self, by: str, note: str | None) -> PayoutHold:
        """Has somebody hold payouts, beside whoever does."""
        return self._stage(PayoutHold(self._now, by, note))

    def hold_until_compared(self, note: str, epoch: str) -> PayoutHold:
        """Has the bridge hold payouts until the books of a history are compared, in the place of an earlier one."""
        self.end_own()
        return self._stage(PayoutHold(self._now, THE_BRIDGE, note, epoch))

    def end_own(self) -> None:
        """Ends the hold of the bridge, and nobody else's."""
        self.writes += 1
        self._staged = [hold for hold in self._staged if hold.epoch is None]
        self._ended = self._ended or _END_OWN

    def resume(self) -> None:
        """Ends all holds."""
        self.writes += 1
        self._staged.clear()
        self._ended = _RESUME

    def _stage(self, hold: PayoutHold) -> PayoutHold:
        self.writes += 1
        self._staged.append(hold)
        return hold

    def statements(self) -> Sequence[tuple[Writing, Sequence[Row]]]:
        """What is staged: what ended goes, and what was said since comes."""
        ended = () if self._ended is None else ((self._ended, [{"from_id": 0}]),)
        return (*ended, (insert_into(_HOLDS), [asdict(hold) for hold in self._staged]))
