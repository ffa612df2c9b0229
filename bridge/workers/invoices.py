"""Opening invoices. What is wanted is in the journal before the provider is asked, so a crash in between leaves
something to be done again, and doing it again is harmless."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from weakref import WeakValueDictionary

from bridge.journal import Journal, PaymentRecord
from coordinator.errors import BridgeError
from coordinator.invoices import Invoice, InvoiceOpened, InvoiceWanted
from coordinator.payments import Payment
from providers.contract import InvoiceGateways, ProviderError

__all__ = ["CoinNotOfferedError", "InvoiceOpener"]

logger = logging.getLogger("bridge.invoices")


# Whoever asked for a payment waits behind this; what is not open by then is opened by the next round.
ANSWER_SECONDS = 10.0


class CoinNotOfferedError(BridgeError):
    """The provider does not take this coin at the moment."""

    def __init__(self, coin: str, offered: Sequence[str]) -> None:
        super().__init__(f"{coin} cannot be paid with at the moment; offered: {', '.join(offered) or 'nothing'}")


class InvoiceReplacedError(ProviderError):
    """The payment is to be paid with another coin in the meantime, so the provider is not asked for this one."""


class InvoiceOpener:
    """Opens the invoices that the journal wants, one at a time for each payment.

    One at a time because SHKeeper looks whether there is an invoice and then makes it, so two requests at the same
    moment could make two.
    """

    def __init__(self, journal: Journal, gateways: InvoiceGateways, callback_urls: Mapping[str, str]) -> None:
        """`callback_urls` is where each provider is to send its webhooks."""
        self._journal = journal
        self._gateways = gateways
        self._callback_urls = callback_urls
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

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

    async def try_to_open(self, record: PaymentRecord) -> bool:
        """Opens the invoice that is to be paid, unless it is. Returns whether it is open now; if not, the next round
        of the reconciliation tries again."""
        unopened = [invoice for invoice in record.invoices[:1] if invoice.opened is None]
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                for invoice in unopened:
                    await self.open(invoice)
        except (ProviderError, TimeoutError) as error:
            reason = str(error) or "it took too long"
            logger.warning("no invoice for %s yet: %s", record.payment.payment_id, reason)
            return False
        return True

    async def open(self, invoice: Invoice) -> InvoiceOpened:
        """Opens an invoice, or finds that it is. Raises ProviderError, and JournalUnavailableError."""
        lock = self._locks.setdefault(invoice.payment_id, asyncio.Lock())
        async with lock:
            known = await self._known(invoice)
            if known is not None:
                return known
            opened = await self._gateways[invoice.wanted.provider].open_invoice(invoice.wanted)
            await self._journal.record_invoice(invoice, opened)
        logger.info("%s is to be paid in %s", invoice.payment_id, invoice.wanted.coin)
        return opened

    async def _known(self, invoice: Invoice) -> InvoiceOpened | None:
        """What somebody else has opened in the meantime. Raises InvoiceReplacedError."""
        record = await self._journal.payment_record(invoice.payment_id)
        invoices = () if record is None else record.invoices
        opened = next((known.opened for known in invoices if known.wanted == invoice.wanted), None)
        # To SHKeeper the coin that it was asked for last is the one whose price it honours.
        if opened is None and invoices and invoices[0].wanted.coin != invoice.wanted.coin:
            raise InvoiceReplacedError(f"it is to be paid in {invoices[0].wanted.coin} by now")
        return opened
