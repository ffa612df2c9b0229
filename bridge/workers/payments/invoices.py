"""Opening invoices: for somebody who is waiting for one, and what happens if the provider does not open it.

A payment is a draft in the journal while its provider is asked, so that a refused payment is never registered, and
one that a crash interrupts is asked for again. It is registered with the provider's answer or, if there is none, with
an invoice that is still to be opened.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from weakref import WeakValueDictionary

from bridge.journal import OPENING_INVOICES, Draft, Journal, JournalUnavailableError, PaymentRecord, Registered
from bridge.workers.payments.retry_delays import Because, RetryDelays
from coordinator.errors import BridgeError
from coordinator.payments.agreed.invoices import Invoice, InvoiceOpened, InvoiceWanted
from coordinator.payments.payments import Payment
from providers.availability import UnansweredError
from providers.contract import InvoiceGateways
from providers.errors import (
    AnswerUnusableError,
    CoinUnavailableError,
    CredentialsRefusedError,
    ProviderError,
    ProviderRefusedError,
)

__all__ = ["CoinNotOfferedError", "InvoiceOpener", "OpeningAnswer", "because_of", "is_refusal"]

logger = logging.getLogger("bridge.invoices")

# Whoever asked for a payment waits for this; an invoice that is not open by then is opened as soon as possible.
# Longer than the provider gives a wallet, so that a wallet that hangs is recognised.
ANSWER_SECONDS = 15.0

# Nobody waits longer for a provider, so that one who is gone keeps others waiting no longer than this.
ALONE_AT_MOST = timedelta(seconds=2 * ANSWER_SECONDS)
# Its provider is asked what it offers, and for the invoice.
SWITCHED_WITHIN = 2 * ALONE_AT_MOST

# What a coin was worth on other days changes from day to day.
PRICES_VALID_FOR = timedelta(hours=1)


class CoinNotOfferedError(BridgeError):
    """The provider does not take this coin at the moment."""

    def __init__(self, coin: str, offered: Sequence[str]) -> None:
        super().__init__(f"{coin} cannot be paid with at the moment; offered: {', '.join(offered) or 'nothing'}")


def is_refusal(error: Exception) -> bool:
    """Whether the provider refused the request, so that the caller has to ask for something else."""
    return isinstance(error, ProviderRefusedError) and not isinstance(error, CredentialsRefusedError)


class OpeningAnswer(NamedTuple):
    """What a provider answered to a request for an invoice."""

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
        self._in_hand: set[str] = set()
        """The payments that somebody is registering now."""
        self._usual_rates: dict[tuple[str, str, str], tuple[datetime, Decimal | None]] = {}
        """By provider, coin and currency, what one coin was worth on other days, if there are enough of them, and
        when that was looked up."""
        self.retry_delays = RetryDelays()
        """What is not tried for a while, because it could not be opened."""
        self.left = journal.wakeups.of(OPENING_INVOICES)
        """Set when an invoice could not be opened for somebody who waited for it, here or at another bridge."""

    def opens_for(self, provider: str) -> bool:
        """Whether invoices of this provider can be opened here."""
        return provider in self._gateways

    async def trouble_with(self, provider: str, coin: str) -> str | None:
        """What keeps a provider from opening invoices in a coin, as far as that is known."""
        gateway = self._gateways.get(provider)
        return None if gateway is None else await gateway.trouble_with(coin)

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

    async def register(self, draft: Draft) -> tuple[Registered, OpeningAnswer]:
        """Asks for the invoice of a draft, and registers its payment with the result. Raises ProviderRefusedError,
        and forgets the draft, if the provider refuses it."""
        payment_id = draft.payment.payment_id
        try:
            asked = await self.ask(payment_id, draft.wanted)
        except ProviderRefusedError:
            await self._journal.unfinished.drop_draft(draft)
            raise
        registered = await self._journal.unfinished.settle_draft(draft, asked.opened)
        if asked.why_not is not None:
            await self.leave(payment_id, draft.wanted, asked.why_not)
        return registered, asked

    @contextmanager
    def holding(self, payment_id: str) -> Iterator[None]:
        """While somebody waits for a payment to be registered; if that fails, its draft is finished afterwards."""
        self._in_hand.add(payment_id)
        try:
            yield
        except BaseException:
            self.left.set()
            raise
        finally:
            self._in_hand.discard(payment_id)

    async def finish_drafts(self) -> None:
        """Registers what a stop of the bridge, or of its journal, has left as drafts."""
        # What is younger another bridge may have in hand.
        before = self._journal.clock() - ALONE_AT_MOST if self._journal.nodes.is_shared else None
        for draft in await self._journal.unfinished.drafts(before):
            if draft.payment.payment_id in self._in_hand:
                continue
            try:
                await self.register(draft)
            except ProviderRefusedError as error:
                logger.warning("%s is not registered: %s", draft.payment.payment_id, error)
            except BridgeError as error:
                logger.warning("%s is not registered yet: %s", draft.payment.payment_id, error)

    async def ask(self, payment_id: str, wanted: InvoiceWanted) -> OpeningAnswer:
        """Asks the provider for an invoice that is not in the journal yet. Raises ProviderRefusedError if it was
        refused."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS), self._alone(payment_id):
                return OpeningAnswer(await self._opened(wanted), None)
        except (ProviderError, TimeoutError) as error:
            if is_refusal(error):
                raise
            self._note(payment_id, wanted.coin, error)
            return OpeningAnswer(None, error)
        except Exception as error:
            logger.exception("the bridge failed over the invoice of %s", payment_id)
            self._note(payment_id, wanted.coin, error)
            return OpeningAnswer(None, error)

    async def leave(self, payment_id: str, wanted: InvoiceWanted, why: Exception) -> None:
        """Leaves an invoice to be opened later, once it is in the journal."""
        await self._write_down(payment_id, wanted.coin, why)

    async def try_to_open(self, record: PaymentRecord) -> bool:
        """Opens the invoice that is to be paid, unless it is. Returns whether it is open now."""
        unopened = [invoice for invoice in record.invoices[:1] if invoice.opened is None]
        for invoice in unopened:
            if self.retry_delays.leaves_alone((invoice.payment_id, invoice.wanted.coin), self._journal.steady()):
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
        """Notes that an invoice could not be opened."""
        self._note(invoice.payment_id, invoice.wanted.coin, error)
        await self._write_down(invoice.payment_id, invoice.wanted.coin, error)

    def _note(self, payment_id: str, coin: str, error: Exception) -> None:
        because = because_of(error)
        if because is not None:
            is_news = self.retry_delays.failed((payment_id, coin), because, self._journal.steady())
        if because is None or is_news or because is Because.COIN:
            logger.warning("no invoice for %s yet: %s", payment_id, str(error) or "it took too long")

    async def _write_down(self, payment_id: str, coin: str, error: Exception) -> None:
        """Why an invoice is not open, if the cause is the invoice itself, so that people can see it."""
        if because_of(error) is Because.REFUSED:
            await self._journal.unfinished.refuse_invoice(payment_id, coin, str(error))

    async def open(self, invoice: Invoice) -> InvoiceOpened | None:
        """Opens an invoice, or finds that it is open; None if the buyer is to pay with another coin by now. Raises
        ProviderError, and JournalUnavailableError."""
        async with self._alone(invoice.payment_id):
            record = await self._journal.payment_record(invoice.payment_id)
            to_pay = record.invoices[0] if record is not None and record.invoices else invoice
            if to_pay.wanted.coin != invoice.wanted.coin:
                return None
            if to_pay.opened is not None:
                return to_pay.opened
            opened = await self._opened(invoice.wanted)
            await self._journal.unfinished.record_invoice(invoice, opened)
        self.retry_delays.opened((invoice.payment_id, invoice.wanted.coin))
        logger.info("%s is to be paid in %s", invoice.payment_id, invoice.wanted.coin)
        return opened

    async def _opened(self, wanted: InvoiceWanted) -> InvoiceOpened:
        """The provider's answer, together with what the coin was worth on other days, unless that is settled."""
        opened = await self._gateways[wanted.provider].open_invoice(wanted)
        if opened.usual_rate is not None:
            return opened
        now, way = self._journal.steady(), (wanted.provider, wanted.coin, wanted.currency)
        known = self._usual_rates.get(way)
        if known is None or now >= known[0] + PRICES_VALID_FOR:
            usual = await self._journal.approvals.usual_price(*way, self._journal.clock())
            known = self._usual_rates[way] = now, usual
        return opened.model_copy(update={"usual_rate": known[1]})

    def one_at_a_time(self, name: str) -> asyncio.Lock:
        """Held by whoever asks a provider for something new, so that two callers who want the same do not get two."""
        return self._lock(name)

    @asynccontextmanager
    async def switching(self, payment_id: str) -> AsyncIterator[None]:
        """While nobody else has a payment paid in another coin, here or at another bridge: the coin that its provider
        is asked for last is the one to pay."""
        async with (
            self._lock(f"coin of {payment_id}"),
            self._journal.nodes.alone(f"coin of {payment_id}", SWITCHED_WITHIN),
        ):
            yield

    @asynccontextmanager
    async def _alone(self, payment_id: str) -> AsyncIterator[None]:
        """While nobody else asks for an invoice of a payment, neither here nor at another bridge."""
        async with self._lock(payment_id), self._journal.nodes.alone(f"invoice {payment_id}", ALONE_AT_MOST):
            yield

    def _lock(self, payment_id: str) -> asyncio.Lock:
        return self._locks.setdefault(payment_id, asyncio.Lock())


def because_of(error: Exception) -> Because | None:
    """What an error belongs to; None if it is the provider as a whole, for which no invoice is to wait."""
    if isinstance(error, AnswerUnusableError) or is_refusal(error):
        return Because.REFUSED
    if isinstance(error, CoinUnavailableError):
        return Because.COIN
    if isinstance(error, UnansweredError):
        return Because.UNANSWERED
    return None if isinstance(error, (ProviderError, TimeoutError, JournalUnavailableError)) else Because.DEFECT
