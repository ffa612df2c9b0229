"""The local SHKeeper as a whole: its terms, its daemons, its books, its outbox and its faults.

No I/O and no clock: time is passed in.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from providers.shkeeper.simulator.books.booked_invoice import BookedInvoice
from providers.shkeeper.simulator.books.invoices import InvoiceBooks, Output
from providers.shkeeper.simulator.books.outbox import Notice, Outbox, Subject
from providers.shkeeper.simulator.books.payouts import PayoutBooks
from providers.shkeeper.simulator.faults import Call, Faults
from providers.shkeeper.simulator.notices import compact
from providers.shkeeper.simulator.terms.coins import COINS
from providers.shkeeper.simulator.terms.daemons import Daemons
from providers.shkeeper.simulator.terms.terms import Fees, Terms

__all__ = ["Asked", "Configuration", "LocalGateway"]


@dataclass(frozen=True, slots=True)
class Configuration:
    """How its operator has set it up. What can be changed while it runs is in the gateway's terms and daemons."""

    api_key: str = field(repr=False)
    user: str = "admin"
    password: str = field(default="admin", repr=False)
    fee_percent: Decimal = Decimal(2)
    """What is asked for on top of every invoice, where no other fee is set."""
    unconfirmed_notices: bool = True
    payout_notices: bool = True
    task_seconds: float = 1.0
    confirm_seconds: float = 2.0
    """How long a payout's transaction is on its way."""
    minute_seconds: float = 60.0
    """How long the minute takes after which a notice is posted again."""
    poll_seconds: float = 0.0
    """How often it looks what has become of payouts: the real one once a minute, this one at once."""
    read_timeout_seconds: float = 10.0
    """How long it waits for a coin's daemon."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that reached it, whatever it answered."""

    call: Call
    content: Any
    external_id: str | None = None
    """What it was about, if that stood in its address."""


class LocalGateway:
    """A SHKeeper in memory."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.terms = Terms(
            usual_fees=Fees(percent=configuration.fee_percent),
            unconfirmed_notices=configuration.unconfirmed_notices,
            payout_notices=configuration.payout_notices,
        )
        self.daemons = Daemons(configuration.read_timeout_seconds)
        self.invoices = InvoiceBooks(self.terms, self.daemons)
        self.payouts = PayoutBooks(
            self.terms,
            self.daemons,
            task_seconds=configuration.task_seconds,
            confirm_seconds=configuration.confirm_seconds,
            poll_seconds=configuration.poll_seconds,
        )
        self.outbox = Outbox(minute_seconds=configuration.minute_seconds)
        self.faults = Faults()
        self.asked: list[Asked] = []
        self._synced: frozenset[str] = frozenset()
        self._synced_at: datetime | None = None

    def offered(self, now: datetime) -> tuple[list[str], float]:
        """The coins that it offers, and how many seconds it took to find that out: which daemons are well it asks
        about once a minute."""
        seconds = 0.0
        if self._synced_at is None or now > self._synced_at + timedelta(seconds=self.configuration.minute_seconds):
            seconds = max(self.daemons.waited_for(coin) for coin in COINS.values())
            self._synced = frozenset(name for name, coin in COINS.items() if not self.daemons.lags(coin))
            self._synced_at = now
        is_wanted = self._synced if self.terms.disable_crypto_when_lags else COINS
        return [name for name in COINS if self.terms.wallets[name].enabled and name in is_wanted], seconds

    # What buyers do

    def transfer(
        self,
        address: str,
        amount: Decimal | None,
        now: datetime,
        *,
        confirmed: bool,
        confirmations: int | None = None,
        txid: str | None = None,
    ) -> str:
        """A buyer's wallet sends coins; without an amount, what the invoice lacks. A confirmed transfer has as many
        confirmations as are wanted, if no number is given. Returns the transaction's hash. Raises RefusedError."""
        if confirmations is None:
            confirmations = self.invoices.wanted_confirmations(address) if confirmed else 0
        sent = self.invoices.lacks(address) if amount is None else amount
        return self.transact([Output(address, sent)], now, confirmations=confirmations, txid=txid)

    def transact(
        self, outputs: Sequence[Output], now: datetime, *, confirmations: int, txid: str | None = None
    ) -> str:
        """Somebody's wallet makes one transaction to one or several addresses. Returns its hash. Raises
        RefusedError."""
        txid = self.invoices.send(outputs, confirmations, txid)
        self._report(txid, now)
        return txid

    def transfer_at_once(
        self,
        address: str,
        amounts: Sequence[Decimal],
        now: datetime,
        *,
        counted: int = 1,
        txids: Sequence[str] | None = None,
    ) -> list[str]:
        """Several transfers come at the same moment, and most of the updates of the balance are lost: all are listed,
        and only so many are counted. Returns their hashes. Raises RefusedError."""
        confirmations = self.invoices.wanted_confirmations(address)
        sent = [
            self.invoices.send([Output(address, amount)], confirmations, txids[place] if txids else None)
            for place, amount in enumerate(amounts)
        ]
        for place, txid in enumerate(sent):
            self._report(txid, now, is_counted=place >= len(sent) - counted)
        return sent

    def confirm(
        self, txid: str, now: datetime, confirmations: int | None = None, *, is_reported: bool = True
    ) -> None:
        """Blocks hold a transfer now: so many, or as many as are wanted. They can grow without a report of the
        daemon's. Raises RefusedError."""
        self.invoices.confirm(txid, confirmations)
        if is_reported:
            self._report(txid, now)

    def _report(self, txid: str, now: datetime, *, is_counted: bool = True) -> None:
        for invoice in self.invoices.report(txid, now, is_counted=is_counted):
            is_seen = invoice.unconfirmed_notice(txid) is not None
            self.outbox.add(
                Subject.UNCONFIRMED if is_seen else Subject.INVOICE,
                invoice.invoice_id,
                txid,
                invoice.callback_url,
                now,
                is_held=not is_seen and not self.invoices.has_enough_confirmations(invoice, txid),
            )

    # What it does by itself

    def advance(self, now: datetime) -> None:
        """Does what is due by now."""
        for payout in self.payouts.tick(now):
            if self.terms.payout_notices and payout.callback_url:
                self.outbox.add(Subject.PAYOUT, payout.payout_id, payout.txids[0], payout.callback_url, now)

    def due(self, now: datetime) -> list[Notice]:
        """Does what is due by now, and returns the notices that are to be posted."""
        self.advance(now)
        due = []
        for notice in self.outbox.due(now):
            invoice = self._invoice(notice)
            if invoice is None:
                due.append(notice)
            elif notice.subject is Subject.UNCONFIRMED and invoice.unconfirmed_notice(notice.txid) is None:
                self.outbox.drop(notice)  # a block holds it by now, and another notice says so
            elif notice.subject is Subject.INVOICE and not self.invoices.has_enough_confirmations(
                invoice, notice.txid
            ):
                self.outbox.postpone(notice, now)
            else:
                due.append(notice)
        return due

    def body(self, notice: Notice) -> bytes:
        """What a notice says, as things stand now."""
        invoice = self._invoice(notice)
        if invoice is None:
            payout = self.payouts.payouts[notice.subject_id - 1]
            return compact(payout.notice(self.terms.rate(payout.crypto, "USD")))
        seen = invoice.unconfirmed_notice(notice.txid) if notice.subject is Subject.UNCONFIRMED else None
        return compact(seen or invoice.notice(notice.txid, self.terms))

    def _invoice(self, notice: Notice) -> BookedInvoice | None:
        if notice.subject is Subject.PAYOUT:
            return None
        return self.invoices.invoices[notice.subject_id - 1]
