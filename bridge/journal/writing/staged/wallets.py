"""The part of a batch that is about wallets: what came of comparing them with the books, and what moved besides."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, bindparam, delete, func, select

from bridge.journal.tables import schema
from bridge.journal.writing.statements import Row, Writing, insert_into
from coordinator.books.wallets import WalletCoin, WalletComparison, WalletSums
from coordinator.money import format_amount

__all__ = ["StagedWallets", "comparison_from_text"]

_COMPARISONS = schema.wallet_comparisons
_LAST = (
    select(_COMPARISONS.c.day, _COMPARISONS.c.content)
    .where(_COMPARISONS.c.wallet == bindparam("by_wallet"), _COMPARISONS.c.coin == bindparam("by_coin"))
    .order_by(_COMPARISONS.c.day.desc())
    .limit(1)
)
_SUMMED_THROUGH = select(func.max(schema.wallet_sums.c.through_entry_id))
_FORGET_SUMS = delete(schema.wallet_sums).where(schema.wallet_sums.c.through_entry_id < bindparam("through"))
_FORGET = delete(_COMPARISONS).where(
    _COMPARISONS.c.wallet == bindparam("by_wallet"),
    _COMPARISONS.c.coin == bindparam("by_coin"),
    _COMPARISONS.c.day == bindparam("by_day"),
)


def comparison_from_text(content: str) -> WalletComparison:
    return WalletComparison.model_validate_json(content)


class StagedWallets:
    """Reads and staged writes about wallets, within one transaction."""

    def __init__(self, connection: Connection, *, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._comparisons: dict[WalletCoin, tuple[str, WalletComparison]] = {}
        self._movements: list[Row] = []
        self._sums: WalletSums | None = None
        self.writes = 0
        """How many changes are staged."""

    def last(self, of: WalletCoin) -> tuple[str, WalletComparison] | None:
        """The last comparison, with its day."""
        if of in self._comparisons:
            return self._comparisons[of]
        row = self._connection.execute(_LAST, {"by_wallet": of.wallet, "by_coin": of.coin}).first()
        return None if row is None else (row.day, comparison_from_text(row.content))

    def put(self, day: str, comparison: WalletComparison) -> None:
        """What came of comparing, on a day."""
        self.writes += 1
        self._comparisons[comparison.of] = (day, comparison)

    def summed_through(self) -> int:
        """The last entry that is in the sums that are kept."""
        if self._sums is not None:
            return self._sums.through
        return self._connection.execute(_SUMMED_THROUGH).scalar() or 0

    def keep_sums(self, found: WalletSums) -> None:
        """Keeps what entries come to, in the place of what was kept before."""
        self.writes += 1
        self._sums = found

    def add_movement(self, of: WalletCoin, amount: Decimal, reason: str, *, by: str) -> None:
        """Notes what moved besides."""
        self.writes += 1
        self._movements.append(
            {
                "noted_at": self._now,
                "noted_by": by,
                "wallet": of.wallet,
                "coin": of.coin,
                "amount": format_amount(amount),
                "reason": reason,
            }
        )

    def statements(self) -> Sequence[tuple[Writing, Sequence[Row]]]:
        """What is staged. Of a day the last comparison is kept."""
        comparisons = [(day, one) for day, one in self._comparisons.values()]
        return (
            (_FORGET, [{"by_wallet": one.wallet, "by_coin": one.coin, "by_day": day} for day, one in comparisons]),
            (
                insert_into(_COMPARISONS),
                [
                    {
                        "wallet": one.wallet,
                        "coin": one.coin,
                        "day": day,
                        "compared_at": one.compared_at,
                        "content": one.model_dump_json(),
                    }
                    for day, one in comparisons
                ],
            ),
            (insert_into(schema.wallet_movements), self._movements),
            *self._statements(),
        )

    def _statements(self) -> Sequence[tuple[Writing, Sequence[Row]]]:
        if self._sums is None:
            return ()
        through = self._sums.through
        rows = [
            {
                "wallet": of.wallet,
                "coin": of.coin,
                "kind": str(kind),
                "amount": format_amount(amount),
                "through_entry_id": through,
            }
            for (of, kind), amount in self._sums.sums.items()
        ]
        return ((_FORGET_SUMS, [{"through": through}]), (insert_into(schema.wallet_sums), rows))
