"""What registering a payment and registering a template checkout have in common."""

from bridge.access import Principal
from bridge.http.problems import wrong_field
from bridge.journal import IdempotencyKey, Journal, PaymentRecord
from bridge.workers.invoices import CoinNotOfferedError, InvoiceOpener
from coordinator import rooms
from coordinator.invoices import InvoiceWanted
from coordinator.payments import Payment

__all__ = ["is_for", "opened_invoice", "register", "require_one_way", "wanted_invoice"]


def require_one_way(provider: str, external_id: str | None, coin: str | None, opener: InvoiceOpener) -> None:
    """Raises ValidationException unless a request names an invoice, or else a coin to open one in."""
    if external_id is not None and coin is not None:
        raise wrong_field("coin", "belongs to an invoice that the bridge opens; leave out externalId, or this")
    if external_id is None and not opener.opens_for(provider):
        raise wrong_field("externalId", f"missing; this bridge opens no invoices at {provider}: is shkeeper_url set?")
    if external_id is None and coin is None:
        raise wrong_field("coin", "missing; it is needed to open an invoice")


async def register(
    journal: Journal, opener: InvoiceOpener, payment: Payment, coin: str | None, idempotency: IdempotencyKey | None
) -> tuple[int, PaymentRecord]:
    """Registers a payment, opens its invoice if it wants one, and returns how it stands with the status to answer:
    201, or 200 if it was registered before, or 202 if the invoice is not open yet."""
    wanted = None if coin is None else await wanted_invoice(opener, payment, coin)
    registered = await journal.register_payment(payment, idempotency, wanted)
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
