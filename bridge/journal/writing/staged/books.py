"""The part of a batch that is about the books: it enters what moved where nobody entered it, as a bridge of before
there were books moves payments and payouts. What moves here is entered with it, behind all that was entered
before."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, text, update

from bridge.journal.tables import schema
from bridge.journal.tables.rows import ENTRY, entry_from_row, entry_row, payment_from_row, payout_from_row
from bridge.journal.tables.unreadable_rows import RowKind, UnreadableRow, is_not_noted, read_or_note
from bridge.journal.writing.statements import InOrder, Row, Staged, insert_into, moment_of
from coordinator.books.entries import Account, Balances, Entry, EntryKind, balances_of, balances_of_payout, changes
from coordinator.money import ZERO, total
from coordinator.payouts.payouts import Payout

__all__ = ["StagedBooks", "entering"]

# A clock that was further ahead was wrong: nobody is to wait until that day for entries to be dated rightly again.
AHEAD_AT_MOST = timedelta(days=1)

_LATE_PAYMENTS = (
    select(schema.payments.c.payment_id)
    .where(text(schema.NOT_ENTERED), is_not_noted(RowKind.PAYMENT, schema.payments.c.payment_id))
    .limit(bindparam("limit"))
)
_LATE_PAYOUTS = (
    select(schema.payouts.c.payment_id)
    .where(text(schema.NOT_ENTERED), is_not_noted(RowKind.PAYOUT, schema.payouts.c.payout_id))
    .limit(bindparam("limit"))
)
_PAYMENTS = select(schema.payments).where(
    schema.payments.c.payment_id.in_(bindparam("by_payment_ids", expanding=True))
)
_PAYOUTS_OF = select(schema.payouts).where(
    schema.payouts.c.payment_id.in_(bindparam("by_payment_ids", expanding=True))
)
_ENTRIES_OF = select(schema.book_entries).where(
    schema.book_entries.c.payment_id.in_(bindparam("by_payment_ids", expanding=True))
)
_PAYMENT_ENTERED = (
    update(schema.payments)
    .where(schema.payments.c.payment_id == bindparam("by_payment_id"))
    .values(entered_at=schema.payments.c.updated_at)
)
_PAYOUT_ENTERED = (
    update(schema.payouts)
    .where(schema.payouts.c.payment_id == bindparam("by_payment_id"))
    .values(entered_at=schema.payouts.c.updated_at)
)
_EARLIER = schema.book_entries.alias("earlier")
_FROM_AHEAD = _EARLIER.c.entered_at.between(bindparam("later"), bindparam("latest"))
_PUT_BEHIND = (
    update(schema.book_entries)
    .where(
        schema.book_entries.c.entered_at == bindparam("by_entered_at"),
        select(_EARLIER.c.entered_at).where(_FROM_AHEAD).exists(),
    )
    .values(entered_at=select(func.max(_EARLIER.c.entered_at)).where(_FROM_AHEAD).scalar_subquery())
)


def entering(
    connection: Connection, entries: Sequence[tuple[Any, ...]], now: datetime, moment: Any
) -> Sequence[Staged]:
    """What puts entries of `now` into the books: no sooner than the last that stands there, since the clocks of
    bridges differ, and are set back, and a day that is over stays as it is. `moment` is now, as the driver has it."""
    if not entries:
        return ()
    later = moment_of(connection, now + timedelta.resolution)
    latest = moment_of(connection, now + AHEAD_AT_MOST)
    behind = InOrder(_PUT_BEHIND, ("by_entered_at", "later", "latest"), [(moment, later, latest)])
    return (InOrder(insert_into(schema.book_entries), ENTRY, entries), behind)


class _Moments:
    """When that came about which is entered late, as far as it is written down."""

    def __init__(self, completed_at: datetime | None, updated_at: datetime) -> None:
        self._completed_at = completed_at
        self._updated_at = updated_at
        self._of_payouts: dict[str, datetime] = {}
        self._refunded_at: list[datetime] = []

    def note(self, payout: Payout, arrived_at: datetime | None) -> None:
        if arrived_at is not None:
            self._of_payouts[payout.payout_id] = arrived_at
            if payout.refund_id is not None:
                self._refunded_at.append(arrived_at)

    def of(self, entry: Entry) -> datetime:
        if entry.amount < ZERO:
            return self._updated_at
        match entry.account.kind:
            case EntryKind.PAYOUT:
                return self._of_payouts.get(entry.account.payout_id or "", self._updated_at)
            case EntryKind.REFUND | EntryKind.SENT_BACK:
                return max(self._refunded_at, default=self._updated_at)
            case EntryKind.COIN_OUT:
                return max(self._of_payouts.values(), default=self._updated_at)
            case _:
                return self._completed_at or self._updated_at


class StagedBooks:
    """Reads and staged writes about the books, within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._entries: list[tuple[Any, ...]] = []
        self._entered: list[Row] = []
        self.writes = 0
        """How many changes are staged."""

    def enter_late(self, limit: int) -> int:
        """Enters what moved where nobody entered it, of about so many payments. Returns of how many: not of those of
        which something cannot be read."""
        late = {
            payment_id
            for statement in (_LATE_PAYMENTS, _LATE_PAYOUTS)
            for payment_id in self._connection.scalars(statement, {"limit": limit})
        }
        return self._enter(sorted(late)) if late else 0

    def _enter(self, payment_ids: Sequence[str]) -> int:
        of_these = {"by_payment_ids": payment_ids}
        entered: defaultdict[str, list[Entry]] = defaultdict(list)
        for row in self._connection.execute(_ENTRIES_OF, of_these).mappings():
            entered[row["payment_id"]].append(entry_from_row(row))
        payouts: defaultdict[str, list[tuple[Payout, datetime | None]]] = defaultdict(list)
        left_out: set[str] = set()
        for row in self._connection.execute(_PAYOUTS_OF, of_these).mappings():
            payout = read_or_note(self._connection, payout_from_row, row)
            if isinstance(payout, UnreadableRow):
                left_out.add(row["payment_id"])
            else:
                payouts[row["payment_id"]].append((payout, row["completed_at"]))
        for row in self._connection.execute(_PAYMENTS, of_these).mappings():
            payment = read_or_note(self._connection, payment_from_row, row)
            if isinstance(payment, UnreadableRow) or payment.payment_id in left_out:
                left_out.add(row["payment_id"])
                continue
            moments = _Moments(row["completed_at"], row["updated_at"])
            now = dict(balances_of(payment))
            for payout, completed_at in payouts[payment.payment_id]:
                moments.note(payout, completed_at)
                for account, amount in balances_of_payout(payout).items():
                    now[account] = total([now.get(account, ZERO), amount])
            for entry in changes(_balances(entered[payment.payment_id]), now):
                at = moment_of(self._connection, moments.of(entry))
                self._entries.append(entry_row(payment.payment_id, entry, at))
        done = [payment_id for payment_id in payment_ids if payment_id not in left_out]
        self.writes += len(done)
        self._entered += [{"by_payment_id": payment_id} for payment_id in done]
        return len(done)

    def statements(self) -> Sequence[Staged]:
        """What is staged."""
        return (
            InOrder(insert_into(schema.book_entries), ENTRY, self._entries),
            (_PAYMENT_ENTERED, self._entered),
            (_PAYOUT_ENTERED, self._entered),
        )


def _balances(entries: Iterable[Entry]) -> Balances:
    """What entries come to."""
    found: dict[Account, Decimal] = {}
    for entry in entries:
        found[entry.account] = total([found.get(entry.account, ZERO), entry.amount])
    return {account: amount for account, amount in found.items() if amount}
