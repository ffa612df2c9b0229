"""The payments' part of a batch: payments, and the template checkouts that some of them pay."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Insert, RowMapping, Select, bindparam, exists, insert, select, update

from bridge.journal.tables import schema
from bridge.journal.tables.rows import (
    MOVED_PAYMENT,
    entry_row,
    moved_payment_row,
    payment_from_row,
    payment_problems,
    payment_row,
)
from bridge.journal.tables.unreadable_rows import UnreadableRow, read_or_note, readable, required
from bridge.journal.wakeups import DUE_SOON
from bridge.journal.writing.prefetch import payments_by_external_ids, payments_by_ids, payments_of_requests
from bridge.journal.writing.recent_payments import RecentPayments
from bridge.journal.writing.staged.books import entering
from bridge.journal.writing.statements import (
    InOrder,
    LookUp,
    Row,
    Staged,
    entered_too,
    first_known,
    insert_into,
    padded,
    records,
    rows_found,
)
from coordinator.books.entries import balances_of, changes
from coordinator.payments.deciding.siblings import Sibling, UnreadSibling
from coordinator.payments.payments import Payment, PaymentStatus
from coordinator.payments.problems.problems import is_news

__all__ = ["StagedPayments"]

_PAYMENT_BY_EXTERNAL_ID = select(schema.payments).where(
    schema.payments.c.provider == bindparam("by_provider"),
    schema.payments.c.external_id == bindparam("by_external_id"),
)
_PAYMENT_BY_ID = select(schema.payments).where(schema.payments.c.payment_id == bindparam("by_payment_id"))
_CHECKOUT = select(schema.checkouts).where(schema.checkouts.c.checkout_id == bindparam("by_checkout_id"))


def _of_requests() -> Select[Any]:
    """Payments for some purchase requests: those that are completed first, and of the others the oldest."""
    payments = schema.payments
    found = payments_of_requests(bindparam("by_request_ids", expanding=True)).subquery()
    is_completed = (payments.c.status == PaymentStatus.COMPLETED).desc()
    return (
        select(payments)
        .join(found, found.c.payment_id == payments.c.payment_id)
        .order_by(is_completed, payments.c.created_at, payments.c.payment_id)
        .limit(bindparam("limit"))
    )


_OF_REQUESTS = _of_requests()
_STATUSES = {status.value: status for status in PaymentStatus}
_REQUESTS_OF = select(schema.checkout_requests.c.request_id).where(
    schema.checkout_requests.c.payment_id == bindparam("by_payment_id")
)
_MOVING = ("facts", "status", "escrow_state", "updated_at", "search_text")
_UPDATE_PAYMENT = (
    update(schema.payments)
    .where(schema.payments.c.payment_id == bindparam("by_payment_id"))
    .values({name: bindparam(f"new_{name}") for name in _MOVING})
    # It was completed when that was known first, whatever becomes of it later.
    .values(completed_at=first_known(schema.payments.c.completed_at), entered_at=entered_too(schema.payments))
)
# Not with the others: most of what moves a payment leaves its deadline, and an index need not be written in vain.
_SET_DUE_AT = (
    update(schema.payments)
    .where(schema.payments.c.payment_id == bindparam("by_payment_id"))
    .values(due_at=bindparam("new_due_at"))
)
_NOTE_PROBLEMS = (
    update(schema.payments)
    .where(schema.payments.c.payment_id == bindparam("by_payment_id"))
    .values(problems=bindparam("new_problems"), problems_at=bindparam("new_problems_at"))
)


def _note_seller() -> Insert:
    """Writes down a seller of a template checkout, unless that is known."""
    sellers = schema.checkout_sellers
    values = [bindparam(f"new_{column.name}", type_=column.type) for column in sellers.c]
    is_known = exists().where(*(column == value for column, value in zip(sellers.c, values, strict=True)))
    return insert(sellers).from_select(list(sellers.c.keys()), select(*values).where(~is_known))


_NOTE_SELLER = _note_seller()


class StagedPayments:
    """Reads and staged writes about payments, within one transaction."""

    def __init__(self, connection: Connection, recent: RecentPayments, *, now: datetime, moment: Any) -> None:
        """`moment` is now, as the driver has it."""
        self._connection = connection
        self._recent = recent
        self._now = now
        self._moment = moment
        self._known: dict[str, Payment] = {}
        self._ids: dict[tuple[str, str], str] = {}
        self._unknown: set[tuple[str, str]] = set()
        """What was looked for and is not in the database."""
        self._new: set[str] = set()
        self._new_of_requests: defaultdict[str, list[str]] = defaultdict(list)
        """Which of the new payments are for each purchase request."""
        self._before: dict[str, Payment] = {}
        """How those that are moved were before this batch."""
        self._due_anew: set[str] = set()
        self._with_news: set[str] = set()
        """Those of the moved with whose problems there is news."""
        self._checkouts: dict[str, dict[str, Any]] = {}
        self._checkout_requests: list[dict[str, Any]] = []
        self._checkout_sellers: list[dict[str, Any]] = []
        self.is_any_due_soon = False
        """Whether a payment has come to be due so soon that whoever applies deadlines is to be woken."""
        self.writes = 0
        """How many changes are staged."""

    # Reading

    def wanted(self, provider: str, external_ids: Collection[str]) -> Sequence[LookUp]:
        """What is to be looked up before requests ask for some payments."""
        names = set[str]()
        for name in external_ids:
            recent = self._recent.named(provider, name)
            if recent is None:
                names.add(name)
            else:
                self._remember(recent)
        if not names:
            return ()
        parameters = padded(names)
        statement = payments_by_external_ids(len(parameters))

        def take_rows(rows: list[tuple[Any, ...]]) -> None:
            for row in records(self._connection, statement, rows):
                # One that cannot be read is not unknown: whoever asks for it reads it again, and is told.
                names.discard(row["external_id"])
                for payment in readable(self._connection, payment_from_row, [row]):
                    self._remember(payment)
            self._unknown.update((provider, name) for name in names)

        return (LookUp(statement, {"by_provider": provider, **parameters}, take_rows),)

    def at_hand(self, provider: str, external_id: str) -> Payment | None:
        """The payment that a provider knows by `external_id`, if the batch has read it."""
        payment_id = self._ids.get((provider, external_id))
        return None if payment_id is None else self._known[payment_id]

    def look_up(self, payment_ids: Collection[str]) -> list[Payment]:
        """Those of some payments that there are and can be read, as they stand."""
        unknown = [one for one in payment_ids if one not in self._known and self._recent.get(one) is None]
        if unknown:
            parameters = padded(unknown)
            statement = payments_by_ids(len(parameters))
            rows = records(self._connection, statement, rows_found(self._connection, statement, parameters))
            for found in readable(self._connection, payment_from_row, rows):
                self._remember(found)
        return [payment for one in payment_ids if (payment := self._known.get(one) or self._recent.get(one))]

    def get(self, payment_id: str) -> Payment | None:
        """A payment with its current status, with everything staged so far."""
        known = self._known.get(payment_id) or self._recent.get(payment_id)
        return known or self._read(_PAYMENT_BY_ID, by_payment_id=payment_id)

    def others(self, payment_ids: Collection[str], payment_id: str) -> list[Payment]:
        """Those of some payments that are not this one."""
        found = (self.get(one) for one in payment_ids if one != payment_id)
        return [payment for payment in found if payment is not None]

    def named(self, provider: str, external_id: str) -> Payment | None:
        """The payment that a provider knows by `external_id`."""
        payment_id = self._ids.get((provider, external_id))
        if payment_id is not None:
            return self._known[payment_id]
        if (provider, external_id) in self._unknown:
            return None
        recent = self._recent.named(provider, external_id)
        return recent or self._read(_PAYMENT_BY_EXTERNAL_ID, by_provider=provider, by_external_id=external_id)

    def of_checkout(self, checkout_id: str) -> Payment | None:
        """The payment of a template checkout."""
        row = self._checkouts.get(checkout_id) or self._row(_CHECKOUT, by_checkout_id=checkout_id)
        return None if row is None else self.get(row["payment_id"])

    def of_requests(self, request_ids: Collection[str], *, limit: int) -> list[Sibling]:
        """Payments for some purchase requests, as they stand: those that are completed first, then the oldest."""
        parameters = {"by_request_ids": sorted(request_ids), "limit": limit}
        rows = self._connection.execute(_OF_REQUESTS, parameters).mappings().all()
        found: dict[str, Sibling] = {
            row["payment_id"]: self._known.get(row["payment_id"])
            or self._recent.get(row["payment_id"])
            or self._sibling(row)
            for row in rows
        }
        for request_id in request_ids:
            staged = self._new_of_requests[request_id][:limit]
            found |= {payment_id: self._known[payment_id] for payment_id in staged}
        in_order = sorted(found.values(), key=lambda one: (one.created_at, one.payment_id))
        return sorted(in_order, key=lambda one: one.status is not PaymentStatus.COMPLETED)[:limit]

    def _sibling(self, row: RowMapping) -> Sibling:
        """A payment as its row says; where that cannot be read, its columns: what comes for the others must not wait
        for it, and must not forget it either."""
        read = read_or_note(self._connection, payment_from_row, row)
        if not isinstance(read, UnreadableRow):
            return read
        others = self._connection.scalars(_REQUESTS_OF, {"by_payment_id": row["payment_id"]})
        return UnreadSibling(
            payment_id=row["payment_id"],
            request_ids=frozenset((row["request_id"], *others)),
            created_at=row["created_at"],
            status=_STATUSES.get(row["status"]),
        )

    def _read(self, statement: Any, **parameters: str) -> Payment | None:
        row = self._row(statement, **parameters)
        return None if row is None else self._remember(required(self._connection, payment_from_row, row))

    def _row(self, statement: Any, **parameters: str) -> RowMapping | None:
        return self._connection.execute(statement, parameters).mappings().first()

    def _remember(self, payment: Payment) -> Payment:
        self._known[payment.payment_id] = payment
        self._ids[payment.provider, payment.external_id] = payment.payment_id
        return payment

    # Writing

    def add(self, payment: Payment) -> None:
        self.writes += 1
        self._remember(payment)
        self._new.add(payment.payment_id)
        self._note_due(payment)
        for share in payment.shares:
            self._new_of_requests[share.request_id].append(payment.payment_id)
        if payment.checkout is not None:
            checkout_id = payment.checkout.checkout_id
            self._checkouts[checkout_id] = {"checkout_id": checkout_id, "payment_id": payment.payment_id}
            request_ids = {share.request_id for share in payment.shares}
            self._checkout_requests += [
                {"request_id": request_id, "payment_id": payment.payment_id} for request_id in request_ids
            ]
            self._note_sellers(payment)

    def move(self, payment: Payment) -> None:
        """Replaces what is known of a payment that the batch has read or added."""
        self.writes += 1
        before = self.get(payment.payment_id)
        self._remember(payment)
        if payment.checkout is not None:
            self._note_sellers(payment)  # one that an older bridge beside this has registered has none yet
        self._before.setdefault(payment.payment_id, before or payment)
        if before is None or before.due_at != payment.due_at:
            self._due_anew.add(payment.payment_id)
            self._note_due(payment)
        if before is None or is_news(before, payment):
            self._with_news.add(payment.payment_id)

    def _note_due(self, payment: Payment) -> None:
        is_soon = payment.due_at is not None and payment.due_at <= self._now + DUE_SOON
        self.is_any_due_soon = self.is_any_due_soon or is_soon

    def _note_sellers(self, payment: Payment) -> None:
        self._checkout_sellers += [
            {"new_seller_id": seller_id, "new_created_at": payment.created_at, "new_payment_id": payment.payment_id}
            for seller_id in payment.seller_ids
            if seller_id != payment.seller_id
        ]

    def statements(self) -> Sequence[Staged]:
        """What is staged, one statement a table."""
        new = [payment_row(self._known[payment_id], self._now) for payment_id in self._new]
        moved = [self._known[payment_id] for payment_id in self._before if payment_id not in self._new]
        due = [
            {"by_payment_id": payment.payment_id, "new_due_at": payment.due_at}
            for payment in moved
            if payment.payment_id in self._due_anew
        ]
        problems = [
            {"by_payment_id": payment.payment_id, **_prefixed(payment_problems(payment, self._now))}
            for payment in moved
            if payment.payment_id in self._with_news
        ]
        return (
            (insert_into(schema.payments), new),
            (insert_into(schema.checkouts), list(self._checkouts.values())),
            (insert_into(schema.checkout_requests), self._checkout_requests),
            (_NOTE_SELLER, self._checkout_sellers),
            InOrder(_UPDATE_PAYMENT, MOVED_PAYMENT, [moved_payment_row(payment, self._moment) for payment in moved]),
            (_SET_DUE_AT, due),
            (_NOTE_PROBLEMS, problems),
            *entering(self._connection, self._entries(), self._now, self._moment),
        )

    def changed(self) -> set[str]:
        """The ids of those that it adds or moves."""
        return self._new | self._before.keys()

    def _entries(self) -> list[tuple[Any, ...]]:
        """What is to be written into the books."""
        new, known, now, rows = self._new, self._known, self._moment, list[tuple[Any, ...]]()
        for payment_id in dict.fromkeys((*new, *self._before)):
            before = {} if payment_id in new else balances_of(self._before[payment_id])
            rows += [entry_row(payment_id, entry, now) for entry in changes(before, balances_of(known[payment_id]))]
        return rows

    def known(self) -> Iterable[Payment]:
        """The payments that it had to do with, as they stand."""
        return self._known.values()


def _prefixed(values: Mapping[str, Any]) -> Row:
    return {f"new_{name}": value for name, value in values.items()}
