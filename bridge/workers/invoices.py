"""Opening invoices: for whoever waits for one at this moment, and what becomes of it if the provider does not.

The provider is asked first, so that nothing is registered which it refuses. What it answers is written down together
with the payment, or, if it does not answer, that an invoice is wanted; nobody was told an address before that.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from weakref import WeakValueDictionary

from bridge.journal import Journal, JournalUnavailableError, PaymentRecord
from bridge.workers.patience import Because, Patience
from coordinator.errors import BridgeError
from coordinator.invoices import Invoice, InvoiceOpened, InvoiceWanted
from coordinator.payments import Payment
from providers.contract import (
    AnswerUnusableError,
    CoinUnavailableError,
    CredentialsRefusedError,
    InvoiceGateways,
    ProviderError,
    ProviderRefusedError,
)

__all__ = ["Asked", "CoinNotOfferedError", "InvoiceOpener", "because_of", "is_refusal"]

logger = logging.getLogger("bridge.invoices")

# Whoever asked for a payment waits behind this; what is not open by then is opened as soon as it can be. Longer than
# the provider gives a wallet, so that a wallet that hangs is known to hang.
ANSWER_SECONDS = 15.0


class CoinNotOfferedError(BridgeError):
    """The provider does not take this coin at the moment."""

    def __init__(self, coin: str, offered: Sequence[str]) -> None:
        super().__init__(f"{coin} cannot be paid with at the moment; offered: {', '.join(offered) or 'nothing'}")


def is_refusal(error: Exception) -> bool:
    """Whether the provider said no to what was asked, so that whoever asked has to ask for something else."""
    return isinstance(error, ProviderRefusedError) and not isinstance(error, CredentialsRefusedError)


class Asked(NamedTuple):
    """What a provider answered to who asked for an invoice."""

    opened: InvoiceOpened | None
    why_not: Exception | None


class InvoiceOpener:
    """Opens invoices at the providers, one at a time for each payment.

    One at a time because SHKeeper looks whether there is an invoice and then makes it, so two requests at the same
    moment could make two.
    """

    def __init__(self, journal: Journal, gateways: InvoiceGateways, callback_urls: Mapping[str, str]) -> None:
        """`callback_urls` is where each provider is to send its webhooks."""
        self._journal = journal
        self._gateways = gateways
        self._callback_urls = callback_urls
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self.patience = Patience()
        """What is left alone for a while, because it could not be opened."""
        self.left = asyncio.Event()
        """Set when an invoice could not be opened for who waited for it."""

    def opens_for(self, provider: str) -> bool:
        """Whether invoices of this provider can be opened here."""
        return provider in self._gateways

    async def wanted(self, payment: Payment, coin: str) -> InvoiceWanted:
        """The invoice for a payment in a coin. Raises CoinNotOfferedError, if the provider can be asked."""
        try:
            offered = await self._gateways[payment.provider].coins()
        except ProviderError as error:
            logger.warning("%s does not say what can be paid with: %s", payment.provider, error)
        else:
            if coin not in offered:
                raise CoinNotOfferedError(coin, offered)
        return InvoiceWanted(
            provider=payment.provider,
            external_id=payment.external_id,
            callback_url=self._callback_urls[payment.provider],
            coin=coin,
            amount=payment.amount,
            currency=payment.currency,
        )

    async def ask(self, payment_id: str, wanted: InvoiceWanted) -> Asked:
        """Asks the provider for an invoice that is not in the journal yet. Raises ProviderRefusedError if it was
        refused."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS), self._lock(payment_id):
                return Asked(await self._gateways[wanted.provider].open_invoice(wanted), None)
        except (ProviderError, TimeoutError) as error:
            if is_refusal(error):
                raise
            self._note(payment_id, wanted.coin, error)
            return Asked(None, error)

    async def leave(self, record: PaymentRecord, why: Exception) -> None:
        """Leaves the invoice that is to be paid to be opened later, once it is in the journal."""
        await self._write_down(record.invoices[0], why)
        self.left.set()

    async def try_to_open(self, record: PaymentRecord) -> bool:
        """Opens the invoice that is to be paid, unless it is. Returns whether it is open now."""
        unopened = [invoice for invoice in record.invoices[:1] if invoice.opened is None]
        for invoice in unopened:
            if self.patience.leaves_alone((invoice.payment_id, invoice.wanted.coin), self._journal.clock()):
                return False
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    await self.open(invoice)
            except (ProviderError, TimeoutError) as error:
                await self.failed(invoice, error)
                self.left.set()
                return False
        return True

    async def failed(self, invoice: Invoice, error: Exception) -> None:
        """Takes notice that an invoice could not be opened."""
        self._note(invoice.payment_id, invoice.wanted.coin, error)
        await self._write_down(invoice, error)

    def _note(self, payment_id: str, coin: str, error: Exception) -> None:
        because = because_of(error)
        if because is not None:
            is_news = self.patience.failed((payment_id, coin), because, self._journal.clock())
        if because is None or is_news or because is Because.COIN:
            logger.warning("no invoice for %s yet: %s", payment_id, str(error) or "it took too long")

    async def _write_down(self, invoice: Invoice, error: Exception) -> None:
        """Why an invoice is not open, if that is the invoice's own trouble, so that it can be seen."""
        if because_of(error) is Because.REFUSED:
            await self._journal.unfinished.refuse_invoice(invoice, str(error))

    async def open(self, invoice: Invoice) -> InvoiceOpened | None:
        """Opens an invoice, or finds that it is; None if the buyer is to pay with another coin by now. Raises
        ProviderError, and JournalUnavailableError."""
        async with self._lock(invoice.payment_id):
            record = await self._journal.payment_record(invoice.payment_id)
            to_pay = record.invoices[0] if record is not None and record.invoices else invoice
            if to_pay.wanted.coin != invoice.wanted.coin:
                return None
            if to_pay.opened is not None:
                return to_pay.opened
            opened = await self._gateways[invoice.wanted.provider].open_invoice(invoice.wanted)
            await self._journal.unfinished.record_invoice(invoice, opened)
        self.patience.opened((invoice.payment_id, invoice.wanted.coin))
        logger.info("%s is to be paid in %s", invoice.payment_id, invoice.wanted.coin)
        return opened

    def one_at_a_time(self, name: str) -> asyncio.Lock:
        """Held by whoever asks a provider for something new, so that two who want the same do not get two."""
        return self._lock(name)

    def _lock(self, payment_id: str) -> asyncio.Lock:
        return self._locks.setdefault(payment_id, asyncio.Lock())


def because_of(error: Exception) -> Because | None:
    """Whose trouble an error is; None if it is the provider's as a whole, for which no invoice is to wait."""
    if isinstance(error, AnswerUnusableError) or is_refusal(error):
        return Because.REFUSED
    if isinstance(error, CoinUnavailableError):
        return Because.COIN
    return None if isinstance(error, (ProviderError, TimeoutError, JournalUnavailableError)) else Because.DEFECT
