"""The part of a batch that is about holding payouts back: who does, and the stop and the go."""

import secrets
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select

from bridge.journal.tables import schema
from bridge.journal.writing.statements import Row, Writing, insert_into
from coordinator.payouts.holds import THE_BRIDGE, PayoutHold

__all__ = ["StagedHolds", "payout_holds"]

_HOLDS, _HISTORIES = schema.payout_holds, schema.histories
_ALL = (
    select(_HOLDS, _HISTORIES.c.compared_at, _HISTORIES.c.missing_decisions)
    .join(_HISTORIES, _HISTORIES.c.epoch == _HOLDS.c.epoch, isouter=True)
    .order_by(_HOLDS.c.hold_id)
)
_END = delete(_HOLDS).where(_HOLDS.c.hold_id == bindparam("by_number"))


def payout_holds(connection: Connection) -> tuple[PayoutHold, ...]:
    """All that hold payouts, in their order: people, then the bridge. None if payouts are sent."""
    return _in_order(_numbered(connection).values())


def _numbered(connection: Connection) -> dict[int, PayoutHold]:
    """The holds that are stored, by the numbers of their rows, which are given again once a hold has ended."""
    return {
        row.hold_id: PayoutHold(
            # Earlier versions gave none; a number is not given twice to what was placed at one time.
            row.public_id or f"hold_{row.hold_id}_{row.held_at:%Y%m%d%H%M%S%f}",
            row.held_at,
            row.held_by,
            row.note,
            row.service,
            row.epoch,
            is_comparing=row.epoch is not None and row.compared_at is None,
            missing_decisions=row.missing_decisions,
        )
        for row in connection.execute(_ALL)
    }


def _in_order(holds: Iterable[PayoutHold]) -> tuple[PayoutHold, ...]:
    return tuple(sorted(holds, key=lambda hold: hold.epoch is not None))


def _new_id() -> str:
    return f"hold_{secrets.token_hex(12)}"


class StagedHolds:
    """Reads and staged writes about the holds, within one transaction."""

    def __init__(self, connection: Connection, *, now: datetime, new_id: Callable[[], str] = _new_id) -> None:
        self._connection = connection
        self._now = now
        self._new_id = new_id
        self._staged: list[PayoutHold] = []
        self._ended: set[int] = set()
        """The numbers of the rows that go."""
        self.writes = 0
        """How many changes are staged."""

    @property
    def current(self) -> tuple[PayoutHold, ...]:
        """The holds as they stand, with everything staged so far."""
        stored = _numbered(self._connection)
        return _in_order((*(hold for number, hold in stored.items() if number not in self._ended), *self._staged))

    def hold(self, by: str, note: str | None, *, service: str | None = None) -> PayoutHold:
        """Has somebody hold payouts, beside whoever does."""
        return self._stage(PayoutHold(self._new_id(), self._now, by, note, service))

    def hold_until_compared(self, note: str, epoch: str) -> PayoutHold:
        """Has the bridge hold payouts until the books of a history are compared, in the place of an earlier one."""
        self.end([hold for hold in self.current if hold.epoch is not None])
        hold = PayoutHold(self._new_id(), self._now, THE_BRIDGE, note, epoch=epoch, is_comparing=True)
        return self._stage(hold)

    def hold_on(self, hold: PayoutHold, note: str) -> PayoutHold:
        """Has the bridge go on holding payouts once the books are compared, for a reason of its own: whoever has seen
        the hold of before has not seen what was found."""
        self.end([hold])
        found = PayoutHold(
            self._new_id(),
            self._now,
            THE_BRIDGE,
            note,
            epoch=hold.epoch,
            missing_decisions=hold.missing_decisions,
        )
        return self._stage(found)

    def end(self, holds: Iterable[PayoutHold]) -> None:
        """Ends these holds, and no other."""
        gone = {hold.hold_id for hold in holds}
        if gone:
            self.writes += 1
            self._staged = [hold for hold in self._staged if hold.hold_id not in gone]
            stored = _numbered(self._connection)
            self._ended |= {number for number, hold in stored.items() if hold.hold_id in gone}

    def _stage(self, hold: PayoutHold) -> PayoutHold:
        self.writes += 1
        self._staged.append(hold)
        return hold

    def statements(self) -> Sequence[tuple[Writing, Sequence[Row]]]:
        """What is staged: what ended goes, and what was said since comes."""
        ended = [{"by_number": number} for number in sorted(self._ended)]
        return ((_END, ended), (insert_into(_HOLDS), [_row(hold) for hold in self._staged]))


def _row(hold: PayoutHold) -> Row:
    return {
        "public_id": hold.hold_id,
        "held_at": hold.held_at,
        "held_by": hold.held_by,
        "note": hold.note,
        "service": hold.service,
        "epoch": hold.epoch,
    }
