"""The invoices' part of a batch."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, func, null, select, update

from bridge.journal.tables import schema
from bridge.journal.tables.rows import invoice_from_row
from bridge.journal.tables.unreadable_rows import required
from bridge.journal.writing.statements import Row, Writing, insert_into
from coordinator.payments.agreed.invoices import Invoice, InvoiceOpened, InvoiceWanted

__all__ = ["StagedInvoices"]

_THIS_INVOICE = (
    schema.invoices.c.payment_id == bindparam("by_payment_id"),
    schema.invoices.c.coin == bindparam("by_coin"),
)
_INVOICE = select(schema.invoices.c.coin).where(*_THIS_INVOICE)
_WANT_AGAIN = update(schema.invoices).where(*_THIS_INVOICE).values(wanted_at=bindparam("new_wanted_at"))
_ASK_ANEW = update(schema.invoices).where(*_THIS_INVOICE).values(opened=null(), refused=null())
_OPEN = update(schema.invoices).where(*_THIS_INVOICE).values(opened=bindparam("new_opened"), refused=null())
_REFUSE = (
    update(schema.invoices)
    .where(*_THIS_INVOICE, schema.invoices.c.opened.is_(None))
    .values(refused=bindparam("new_refused"))
)
_OF_THIS_PAYMENT = schema.invoice_addresses.c.payment_id == bindparam("by_payment_id")
_GIVEN = select(schema.invoice_addresses.c.given_at).where(
    _OF_THIS_PAYMENT,
    schema.invoice_addresses.c.coin == bindparam("by_coin"),
    schema.invoice_addresses.c.address == bindparam("by_address"),
)
_ALL_GIVEN = select(schema.invoice_addresses.c.address).where(_OF_THIS_PAYMENT)
_TO_PAY = (
    select(schema.invoices)
    .where(schema.invoices.c.payment_id == bindparam("by_payment_id"))
    .order_by(schema.invoices.c.wanted_at.desc(), schema.invoices.c.coin)
    .limit(1)
)
_FIRST_GIVEN = select(func.min(schema.invoice_addresses.c.given_at).label("given_at")).where(_OF_THIS_PAYMENT)


class StagedInvoices:
    """Staged writes about invoices, within one transaction."""

    def __init__(self, connection: Connection, *, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._wanted: dict[tuple[str, str], Row] = {}
        self._wanted_again: list[Row] = []
        self._asked_anew: list[Row] = []
        self._opened: list[Row] = []
        self._refused: list[Row] = []
        self._given: dict[tuple[str, str, str], Row] = {}
        self.writes = 0
        """How many changes are staged."""

    def want(self, payment_id: str, wanted: InvoiceWanted) -> None:
        """Has an invoice opened and makes it the one to pay. If there is one in this coin, what the provider answered
        is forgotten."""
        self.writes += 1
        names = {"by_payment_id": payment_id, "by_coin": wanted.coin}
        if self._row(_INVOICE, **names) is not None:
            self._wanted_again.append({**names, "new_wanted_at": self._now})
            self._asked_anew.append(names)
            return
        self._wanted[payment_id, wanted.coin] = {
            "payment_id": payment_id,
            "coin": wanted.coin,
            "wanted": wanted.model_dump_json(),
            "wanted_at": self._now,
            "opened": None,
            "refused": None,
        }

    def first_opened_at(self, payment_id: str) -> datetime | None:
        """When a provider first gave an address for a payment; None if it never did."""
        row = self._row(_FIRST_GIVEN, by_payment_id=payment_id)
        return None if row is None else row["given_at"]

    def addresses(self, payment_id: str) -> frozenset[str]:
        """Every address that a provider ever gave for a payment."""
        known = self._connection.scalars(_ALL_GIVEN, {"by_payment_id": payment_id})
        return frozenset((*known, *(address for of, _, address in self._given if of == payment_id)))

    def to_pay(self, payment_id: str) -> Invoice | None:
        """The invoice that is to be paid, as it was before this batch; None if there is none."""
        row = self._row(_TO_PAY, by_payment_id=payment_id)
        return None if row is None else required(self._connection, invoice_from_row, row)

    def open(self, payment_id: str, coin: str, opened: InvoiceOpened) -> None:
        """Writes down what the provider answered, and its address, if it has one, for good."""
        self.writes += 1
        names = {"by_payment_id": payment_id, "by_coin": coin}
        self._opened.append({**names, "new_opened": opened.model_dump_json()})
        address = opened.address
        if address is None:
            return
        if self._row(_GIVEN, **names, by_address=address) is None:
            self._given[payment_id, coin, address] = {
                "payment_id": payment_id,
                "coin": coin,
                "address": address,
                "given_at": self._now,
            }

    def refuse(self, payment_id: str, coin: str, reason: str) -> None:
        """Writes down why the provider did not open an invoice."""
        self.writes += 1
        self._refused.append({"by_payment_id": payment_id, "by_coin": coin, "new_refused": reason})

    def statements(self) -> Sequence[tuple[Writing, list[Row]]]:
        """What is staged."""
        return [
            (insert_into(schema.invoices), list(self._wanted.values())),
            (_WANT_AGAIN, self._wanted_again),
            (_ASK_ANEW, self._asked_anew),
            (_OPEN, self._opened),
            (_REFUSE, self._refused),
            (insert_into(schema.invoice_addresses), list(self._given.values())),
        ]

    def _row(self, statement: Any, **parameters: str) -> RowMapping | None:
        return self._connection.execute(statement, parameters).mappings().first()
