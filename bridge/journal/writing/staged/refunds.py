"""The refunds' part of a batch: what its requests read of refunds, and what they want written of them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from bridge.journal.tables import schema
from bridge.journal.tables.rows import refund_from_row, refund_row
from bridge.journal.tables.unreadable_rows import required
from bridge.journal.writing.statements import Row, Writing, insert_into
from coordinator.refunds.refunds import Refund

__all__ = ["StagedRefunds"]

_REFUND = select(schema.refunds).where(schema.refunds.c.refund_id == bindparam("by_refund_id"))
_OF_PAYMENT = select(schema.refunds).where(schema.refunds.c.payment_id == bindparam("by_payment_id"))
_MOVING = (
    *("cancelled_by", "payout_id", "destination", "coin_amount", "given_by", "given_at"),
    *("payout_status", "tx_hash", "status", "updated_at"),
)
_MOVE = (
    update(schema.refunds)
    .where(schema.refunds.c.refund_id == bindparam("by_refund_id"))
    .values({name: bindparam(f"new_{name}") for name in _MOVING})
)


class StagedRefunds:
    """Reads and staged writes about refunds, within one transaction."""

    def __init__(self, connection: Connection, *, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._refunds: dict[str, Refund] = {}
        self._new: set[str] = set()
        self._moved: set[str] = set()
        self.writes = 0
        """How many changes are staged."""

    def get(self, refund_id: str) -> Refund | None:
        """The refund as it stands, with everything staged so far."""
        if refund_id not in self._refunds:
            row = self._connection.execute(_REFUND, {"by_refund_id": refund_id}).mappings().first()
            if row is None:
                return None
            self._refunds[refund_id] = required(self._connection, refund_from_row, row)
        return self._refunds[refund_id]

    def of_payment(self, payment_id: str) -> list[Refund]:
        """The refunds of a payment, with everything staged so far."""
        rows = self._connection.execute(_OF_PAYMENT, {"by_payment_id": payment_id}).mappings()
        known = {row["refund_id"]: required(self._connection, refund_from_row, row) for row in rows}
        staged = {one.refund_id: one for one in self._refunds.values() if one.payment_id == payment_id}
        return list((known | staged).values())

    def add(self, refund: Refund) -> None:
        self.writes += 1
        self._refunds[refund.refund_id] = refund
        self._new.add(refund.refund_id)

    def move(self, refund: Refund) -> None:
        """Replaces what is known of a refund that the batch has read or added."""
        self.writes += 1
        self._refunds[refund.refund_id] = refund
        self._moved.add(refund.refund_id)

    def statements(self) -> Sequence[tuple[Writing, list[Row]]]:
        """What is staged, one statement a table."""
        new = [refund_row(self._refunds[refund_id], self._now) for refund_id in self._new]
        moved = [refund_row(self._refunds[refund_id], self._now) for refund_id in self._moved - self._new]
        moving = [
            {"by_refund_id": row["refund_id"], **{f"new_{name}": row[name] for name in _MOVING}} for row in moved
        ]
        return [(insert_into(schema.refunds), new), (_MOVE, moving)]
