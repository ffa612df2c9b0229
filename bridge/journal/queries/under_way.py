"""How much is under way: payments that wait for money, and payouts that are not settled. What has ended is ever more,
and is not counted."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Table, func, select, text

from bridge.journal.tables import schema

__all__ = ["UnderWay", "under_way"]


@dataclass(frozen=True, slots=True)
class UnderWay:
    """How many there are by status, of those that there are any of."""

    payments: Mapping[str, int]
    payouts: Mapping[str, int]


def under_way(connection: Connection) -> UnderWay:
    return UnderWay(
        _counts(connection, schema.payments, schema.OPEN), _counts(connection, schema.payouts, schema.UNDER_WAY)
    )


def _counts(connection: Connection, table: Table, those: str) -> dict[str, int]:
    """By the index of those rows alone."""
    counted = select(table.c.status, func.count()).where(text(those)).group_by(table.c.status)
    return {str(status): int(count) for status, count in connection.execute(counted)}
