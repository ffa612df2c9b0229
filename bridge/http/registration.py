"""What registering a payment and registering a template checkout have in common."""

from collections.abc import Collection
from decimal import Decimal

from pydantic import Field

from bridge.access import Principal
from bridge.http.problems import wrong_field
from bridge.http.services import Service
from bridge.journal import IdempotencyKey, Journal, PaymentConflictError, PaymentRecord
from bridge.workers.chain_followers import ChainFollowers
from bridge.workers.invoices import CoinNotOfferedError, InvoiceOpener
from coordinator import rooms
from coordinator.ids import Id
from coordinator.invoices import Coin, InvoiceWanted
from coordinator.models import FrozenModel
from coordinator.payments import DirectPayment, Payment
from providers.onchain.direct import PROVIDER as ONCHAIN
from providers.onchain.direct import NotOnChainError, direct_payment

__all__ = ["WayToPay", "agreed_way", "is_for", "opened_invoice", "register", "wanted_invoice"]


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


def agreed_way(
    way: WayToPay,
    *,
    amount: Decimal,
    currency: str,
    providers: Collection[str],
    opener: InvoiceOpener,
    chains: ChainFollowers,
) -> DirectPayment | None:
    """Where a payment over a chain is to go; None if it comes by an invoice. Raises ValidationException unless the
    request names one way."""
    if way.provider == ONCHAIN:
        if way.coin is not None:
            raise wrong_field("coin", "belongs to an invoice; over a chain the currency is the token")
        try:
            return direct_payment(
                chains.chains,
                chain=way.chain,
                symbol=currency,
                recipient=way.recipient,
                payer=way.payer,
                amount=amount,
            )
        except NotOnChainError as error:
            raise wrong_field(error.field, str(error)) from None
    if way.provider not in providers:
        known = ", ".join([*sorted(providers), ONCHAIN])
        raise wrong_field("provider", f"there is no provider {way.provider!r}; known: {known}")
    for name in ("chain", "recipient", "payer"):
        if getattr(way, name) is not None:
            raise wrong_field(name, f"belongs to a payment over a chain, whose provider is {ONCHAIN}")
    _require_one_invoice(way.provider, way.external_id, way.coin, opener)
    return None


def _require_one_invoice(provider: str, external_id: str | None, coin: str | None, opener: InvoiceOpener) -> None:
    """Raises ValidationException unless a request names an invoice, or else a coin to open one in."""
    if external_id is not None and coin is not None:
        raise wrong_field("coin", "belongs to an invoice that the bridge opens; leave out externalId, or this")
    if external_id is None and not opener.opens_for(provider):
        raise wrong_field("externalId", f"missing; this bridge opens no invoices at {provider}: is shkeeper_url set?")
    if external_id is None and coin is None:
        raise wrong_field("coin", "missing; it is needed to open an invoice")


async def register(
    journal: Journal,
    opener: InvoiceOpener,
    payment: Payment,
    coin: str | None,
    idempotency: IdempotencyKey | None,
    *,
    service: Service,
) -> tuple[int, PaymentRecord]:
    """Registers a payment, opens its invoice if it wants one, and returns how it stands with the status to answer:
    201, or 200 if it was registered before, or 202 if the invoice is not open yet.

    Raises PaymentConflictError; that the service wanted the provider's id of another payment is noted at that one,
    for a person to look at.
    """
    wanted = None if coin is None else await wanted_invoice(opener, payment, coin)
    try:
        registered = await journal.register_payment(payment, idempotency, wanted)
    except PaymentConflictError as error:
        if error.differing:
            await journal.rulings.contest(error.payment_id, by=service.told_name, differing=error.differing)
        raise
    is_open, record = await opened_invoice(journal, opener, registered.payment.payment_id)
    return 202 if not is_open else 201 if registered.is_new else 200, record


async def wanted_invoice(opener: InvoiceOpener, payment: Payment, coin: str) -> InvoiceWanted:
    """The invoice for a payment in a coin. Raises ValidationException if the provider does not take it."""
    try:
        return await opener.wanted(payment, coin)
    except CoinNotOfferedError as error:
        raise wrong_field("coin", str(error)) from None


async def opened_invoice(journal: Journal, opener: InvoiceOpener, payment_id: str) -> tuple[bool, PaymentRecord]:
    """Whether the invoice to pay is open, after an attempt to open it, and how the payment stands then."""
    record = await _record(journal, payment_id)
    if not record.invoices or record.invoices[0].opened is not None:
        return True, record
    return await opener.try_to_open(record), await _record(journal, payment_id)


def is_for(principal: Principal, record: PaymentRecord) -> bool:
    """Whether somebody may see a payment."""
    payment = record.payment
    told_in = [rooms.request(share.request_id) for share in payment.shares]
    if payment.checkout is not None:
        told_in.append(rooms.template_checkout(payment.checkout.checkout_id))
    return principal.may_see_payment(parties={payment.buyer_id, *payment.seller_ids}, told_in=told_in)


async def _record(journal: Journal, payment_id: str) -> PaymentRecord:
    record = await journal.payment_record(payment_id)
    if record is None:
        raise LookupError(f"payment {payment_id} vanished after its commit")
    return record
