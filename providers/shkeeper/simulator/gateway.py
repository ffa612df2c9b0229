"""The local SHKeeper as a whole: its books, its outbox and its faults. No I/O and no clock: time is passed in."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from providers.shkeeper.simulator.faults import Call, Faults
from providers.shkeeper.simulator.invoice_books import BookedInvoice, InvoiceBooks
from providers.shkeeper.simulator.notices import compact
from providers.shkeeper.simulator.outbox import Notice, Outbox, Subject
from providers.shkeeper.simulator.payout_books import PayoutBooks

__all__ = ["Asked", "Configuration", "LocalGateway"]


@dataclass(frozen=True, slots=True)
class Configuration:
    """How its operator has set it up."""

    api_key: str = field(repr=False)
    user: str = "admin"
    password: str = field(default="admin", repr=False)
    fee_percent: Decimal = Decimal(2)
    """What is asked for on top of every invoice."""
    unconfirmed_notices: bool = True
    payout_notices: bool = True
    task_seconds: float = 1.0
    confirm_seconds: float = 2.0
    """How long a payout's transaction is on its way."""
    minute_seconds: float = 60.0
    """How long the minute takes after which a notice is posted again."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that reached it, whatever it answered."""

    call: Call
    content: Any
    external_id: str | None = None
    """What it was about, if that stood in its path."""


class LocalGateway:
    """A SHKeeper in memory."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.invoices = InvoiceBooks(configuration.fee_percent)
        self.payouts = PayoutBooks(
            task_seconds=configuration.task_seconds, confirm_seconds=configuration.confirm_seconds
        )
        self.outbox = Outbox(minute_seconds=configuration.minute_seconds)
        self.faults = Faults()
        self.asked: list[Asked] = []

    def transfer(self, address: str, amount: Decimal | None, now: datetime, *, confirmed: bool) -> str:
        """A buyer's wallet sends coins; without an amount, what the invoice lacks. Returns the transaction's hash.
        Raises RefusedError."""
        invoice, txid = self.invoices.transfer(address, amount, now, confirmed=confirmed)
        if confirmed or self.configuration.unconfirmed_notices:
            self._tell(invoice, txid, now)
        return txid

    def confirm(self, txid: str, now: datetime) -> None:
        """A block holds a transfer now. Raises RefusedError."""
        invoice = self.invoices.holder_of(txid)
        self.invoices.confirm(invoice, txid, now)
        self._tell(invoice, txid, now)

    def _tell(self, invoice: BookedInvoice, txid: str, now: datetime) -> None:
        self.outbox.add(Subject.INVOICE, invoice.invoice_id, txid, invoice.callback_url, now)

    def advance(self, now: datetime) -> None:
        """Does what is due by now."""
        for payout in self.payouts.tick(now):
            if self.configuration.payout_notices and payout.callback_url:
                self.outbox.add(Subject.PAYOUT, payout.payout_id, payout.txids[0], payout.callback_url, now)

    def due(self, now: datetime) -> list[Notice]:
        """Does what is due by now, and returns the notices that are to be posted."""
        self.advance(now)
        return self.outbox.due(now)

    def body(self, notice: Notice, now: datetime) -> bytes:
        """What a notice says, as things stand now."""
        if notice.subject is Subject.PAYOUT:
            return compact(self.payouts.payouts[notice.subject_id - 1].notice(now))
        invoice = self.invoices.invoices[notice.subject_id - 1]
        return compact(invoice.notice(notice.txid, self.configuration.fee_percent))
