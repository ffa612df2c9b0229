"""What registering a payment and registering a template checkout have in common."""

from collections.abc import Collection, Mapping
from decimal import Decimal

from litestar.exceptions import ValidationException
from pydantic import Field

from bridge.access import Grants, Principal
from bridge.access.services import Service
from bridge.http.front.callers import with_rooms
from bridge.http.front.problems import wrong_field
from bridge.journal import IdempotencyKey, Journal, PaymentConflictError, PaymentRecord
from bridge.workers.chains.followers import ChainFollowers
from bridge.workers.payments.invoices import CoinNotOfferedError, InvoiceOpener, OpeningAnswer
from coordinator import rooms
from coordinator.currencies import amount_fault, currency_fault
from coordinator.ids import Id
from coordinator.models import FrozenModel
from coordinator.money import total
from coordinator.payments.agreed.agreements import DirectPayment
from coordinator.payments.agreed.invoices import Coin, InvoiceWanted
from coordinator.payments.deciding.quotes import must_ask_again
from coordinator.payments.payments import Payment
from coordinator.web_addresses import WebAddress
from providers import known
from providers.errors import ProviderRefusedError
from providers.onchain.matching.payment_requests import NotOnChainError, direct_payment

__all__ = ["WayToPay", "agreed_way", "is_for", "register", "switch", "unsaid", "with_rooms_of"]


class WayToPay(FrozenModel):
    """How a payment is to come: by an invoice that exists, by one that the bridge opens, or over a chain."""

    provider: Id = Field(
        description="The name of the provider, such as `shkeeper`; `onchain` for a wallet of one's own."
    )
    external_id: Id | None = Field(
        None,
        description="The provider's id of a payment that exists there: SHKeeper's `external_id`. "
        "Left out, the bridge opens the invoice itself.",
    )
    coin: Coin | None = Field(
        None, description="What is to be paid with, such as `ETH-USDT`: needed where the bridge opens the invoice."
    )
    chain: Id | None = Field(
        None, description="With `onchain`: the chain, such as `ethereum`. The currency is a token of it."
    )
    recipient: Id | None = Field(None, description="With `onchain`: the address that is to be paid.")
    payer: Id | None = Field(
        None,
        description="With `onchain`: the address that will pay, if it is known. Money of others does not count then, "
        "so that several payments can share a recipient.",
    )
    return_url: WebAddress | None = Field(
        None, description="The shop's own page, to which the payment's page leads back: an http or https address."
    )


def agreed_way(
    way: WayToPay,
    *,
    amounts: Mapping[str, Decimal],
    currency: str,
    providers: Collection[str],
    opener: InvoiceOpener,
    chains: ChainFollowers,
) -> DirectPayment | None:
    """Where a payment over a chain is to go; None if it comes by an invoice. `amounts` are those that are agreed, by
    the fields that name them. Raises ValidationException unless the request names one way, and amounts that can
    be."""
    for field, amount in amounts.items():
        fault = amount_fault(amount, None if way.provider == chains.provider else currency)
        if fault is not None:
            raise wrong_field(field, fault)
    if way.provider == chains.provider:
        if way.coin is not None:
            raise wrong_field("coin", "belongs to an invoice; over a chain the currency is the token")
        try:
            return direct_payment(
                chains.chains,
                chain=way.chain,
                symbol=currency,
                recipient=way.recipient,
                payer=way.payer,
                amount=total(amounts.values()),
            )
        except NotOnChainError as error:
            raise wrong_field(error.field, str(error)) from None
    if way.provider not in providers:
        names = ", ".join([*sorted(providers), chains.provider])
        raise wrong_field("provider", f"there is no provider {way.provider!r}; known: {names}")
    for name in ("chain", "recipient", "payer"):
        if getattr(way, name) is not None:
            raise wrong_field(name, f"belongs to a payment over a chain, whose provider is {chains.provider}")
    fault = currency_fault(currency)
    if fault is not None:
        raise wrong_field("currency", fault)
    _require_one_invoice(way.provider, way.external_id, way.coin, opener)
    return None


def _require_one_invoice(provider: str, external_id: str | None, coin: str | None, opener: InvoiceOpener) -> None:
    """Raises ValidationException unless a request names an invoice, or else a coin to open one in."""
    if external_id is not None and coin is not None:
        raise wrong_field("coin", "belongs to an invoice that the bridge opens; leave out externalId, or this")
    if external_id is None and not opener.opens_for(provider):
        own = known.named(provider)
        hint = "" if own is None else f": {own.how_to_open_invoices}"
        raise wrong_field("externalId", f"missing; this bridge opens no invoices at {provider}{hint}")
    if external_id is None and coin is None:
        raise wrong_field("coin", "missing; it is needed to open an invoice")


def unsaid(way: WayToPay) -> set[str]:
    """Fields that a request does not have and that were no fields once: a repeat of a request of that time, with its
    idempotency key, is the same request."""
    return {"return_url"} if way.return_url is None else set()


async def register(
    journal: Journal,
    opener: InvoiceOpener,
    payment: Payment,
    coin: str | None,
    idempotency: IdempotencyKey | None,
    *,
    service: Service,
) -> tuple[int, PaymentRecord]:
    """Registers a payment, with its invoice if it wants one, and returns how it stands with the status to answer:
    201, or 200 if it was registered before, or 202 if the invoice is not open yet.

    What the provider refuses is not registered, and nobody hears of it. Raises ValidationException then, and
    PaymentConflictError; that the service wanted the provider's id of another payment is noted at that one, for a
    person to look at.
    """
    try:
        return await _register(journal, opener, payment, coin, idempotency)
    except PaymentConflictError as error:
        if error.differing:
            await journal.rulings.contest(error.payment_id, by=service.display_name, differing=error.differing)
        raise


async def _register(
    journal: Journal, opener: InvoiceOpener, payment: Payment, coin: str | None, idempotency: IdempotencyKey | None
) -> tuple[int, PaymentRecord]:
    if coin is None:
        registered = await journal.register_payment(payment, idempotency)
        status = 201 if registered.is_new else 200
        return await _opened_by_now(journal, opener, registered.payment.payment_id, status)
    wanted = await _wanted(opener, payment, coin)
    with opener.holding(payment.payment_id):
        async with opener.one_at_a_time(_name_of(payment, idempotency)):
            return await _register_draft(journal, opener, payment, wanted, idempotency)


async def _register_draft(
    journal: Journal,
    opener: InvoiceOpener,
    payment: Payment,
    wanted: InvoiceWanted,
    idempotency: IdempotencyKey | None,
) -> tuple[int, PaymentRecord]:
    draft = await journal.unfinished.draft_payment(payment, idempotency, wanted)
    if isinstance(draft, Payment):
        return await _opened_by_now(journal, opener, draft.payment_id, 200)
    try:
        registered, asked = await opener.register(draft)
    except ProviderRefusedError as error:
        raise _refused(error) from None
    status = 202 if asked.opened is None else 201 if registered.is_new else 200
    return status, await _record(journal, registered.payment.payment_id)


def _name_of(payment: Payment, idempotency: IdempotencyKey | None) -> str:
    """Equal for two requests that register the same payment."""
    if payment.checkout is not None:
        return f"checkout {payment.checkout.checkout_id}"
    return f"payment {payment.payment_id}" if idempotency is None else f"{idempotency.scope} {idempotency.key}"


async def _opened_by_now(
    journal: Journal, opener: InvoiceOpener, payment_id: str, status: int
) -> tuple[int, PaymentRecord]:
    is_open, record = await _opened_invoice(journal, opener, payment_id)
    return status if is_open else 202, record


async def _wanted(opener: InvoiceOpener, payment: Payment, coin: str) -> InvoiceWanted:
    """The invoice for a payment in a coin. Raises ValidationException if the provider does not take it."""
    try:
        return await opener.wanted(payment, coin)
    except CoinNotOfferedError as error:
        raise wrong_field("coin", str(error)) from None


async def _ask(opener: InvoiceOpener, payment_id: str, wanted: InvoiceWanted) -> OpeningAnswer:
    """What the provider answers to who wants an invoice. Raises ValidationException if it refuses it."""
    try:
        return await opener.ask(payment_id, wanted)
    except ProviderRefusedError as error:
        raise _refused(error) from None


def _refused(error: ProviderRefusedError) -> ValidationException:
    return wrong_field(error.about or "provider", str(error))


async def _opened_invoice(journal: Journal, opener: InvoiceOpener, payment_id: str) -> tuple[bool, PaymentRecord]:
    """Whether the invoice to pay is open, after an attempt to open it, and how the payment stands then."""
    record = await _record(journal, payment_id)
    if not record.invoices or record.invoices[0].opened is not None:
        return True, record
    return await opener.try_to_open(record), await _record(journal, payment_id)


async def switch(
    journal: Journal, opener: InvoiceOpener, record: PaymentRecord, coin: str, *, fresh: bool = False
) -> tuple[bool, PaymentRecord]:
    """Makes an invoice in a coin the one to pay, at a price that holds, or at a `fresh` one. Returns whether it is
    open, and how the payment stands then. Raises ValidationException, and changes nothing, if the provider refuses
    it."""
    payment_id = record.payment.payment_id
    async with opener.switching(payment_id):
        record = await _record(journal, payment_id)
        holds = not must_ask_again(record.invoices, coin, journal.clock())
        if holds and not fresh:
            return True, record
        # To SHKeeper another address for its webhooks means another invoice.
        callback_url = record.invoices[0].wanted.callback_url
        wanted = (await _wanted(opener, record.payment, coin)).model_copy(update={"callback_url": callback_url})
        asked = await _ask(opener, payment_id, wanted)
        if asked.opened is None and holds:
            return False, record  # at the price that it has
        await journal.unfinished.want_invoice(payment_id, wanted, asked.opened)
    switched = await _record(journal, payment_id)
    if asked.why_not is None:
        return True, switched
    await opener.leave(payment_id, wanted, asked.why_not)
    return False, await _record(journal, payment_id)


def is_for(principal: Principal, record: PaymentRecord) -> bool:
    """Whether somebody may see a payment."""
    payment = record.payment
    parties = {payment.buyer_id, *payment.seller_ids}
    return principal.may_see_payment(parties=parties, in_rooms=_rooms_of(payment))


async def with_rooms_of(principal: Principal, record: PaymentRecord | None, grants: Grants | None) -> Principal:
    """Somebody with the rooms of a payment that is none of theirs otherwise, if the marketplace says so. Raises
    GrantsUnknownError."""
    if grants is None or record is None or is_for(principal, record):
        return principal
    return await with_rooms(principal, _rooms_of(record.payment), grants)


def _rooms_of(payment: Payment) -> list[str]:
    """Those in which a payment is told of."""
    of_requests = [rooms.request(share.request_id) for share in payment.shares]
    return of_requests + ([] if payment.checkout is None else [rooms.template_checkout(payment.checkout.checkout_id)])


async def _record(journal: Journal, payment_id: str) -> PaymentRecord:
    record = await journal.payment_record(payment_id)
    if record is None:
        raise LookupError(f"payment {payment_id} vanished after its commit")
    return record
