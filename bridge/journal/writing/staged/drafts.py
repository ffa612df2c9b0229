"""The drafts' part of a batch: payments that somebody wants and whose provider has not answered yet."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, bindparam, delete, or_, select

from bridge.journal.tables import schema
from bridge.journal.writing.statements import Row, Writing, insert_into

__all__ = ["StagedDrafts"]

_DRAFT = select(schema.drafts).where(
    or_(
        and_(schema.drafts.c.scope == bindparam("by_scope"), schema.drafts.c.key == bindparam("by_key")),
        schema.drafts.c.checkout_id == bindparam("by_checkout_id"),
    )
)
_FORGET = delete(schema.drafts).where(schema.drafts.c.payment_id == bindparam("by_payment_id"))


class StagedDrafts:
    """Reads and staged writes about drafts, within one transaction."""

    def __init__(self, connection: Connection, *, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._new: dict[str, dict[str, Any]] = {}
        self._over: list[str] = []
        self.writes = 0
        """How many changes are staged."""

    def find(
        self, *, scope: str | None, key: str | None, checkout_id: str | None
    ) -> RowMapping | Mapping[str, Any] | None:
        """The row of a draft that a request with this idempotency key made, or that is of this checkout."""
        for row in self._new.values():
            if (key is not None and (row["scope"], row["key"]) == (scope, key)) or (
                checkout_id is not None and row["checkout_id"] == checkout_id
            ):
                return row
        if key is None and checkout_id is None:
            return None
        parameters = {"by_scope": scope, "by_key": key, "by_checkout_id": checkout_id}
        return self._connection.execute(_DRAFT, parameters).mappings().first()

    def add(self, row: dict[str, Any]) -> None:
        self.writes += 1
        self._new[row["payment_id"]] = {**row, "created_at": self._now}

    def remove(self, payment_id: str) -> None:
        """Forgets a draft: there is a payment instead, or there will be none."""
        self.writes += 1
        if self._new.pop(payment_id, None) is None:
            self._over.append(payment_id)

    def statements(self) -> Sequence[tuple[Writing, Sequence[Row]]]:
        """What is staged."""
        return (
            (insert_into(schema.drafts), list(self._new.values())),
            (_FORGET, [{"by_payment_id": payment_id} for payment_id in self._over]),
        )
