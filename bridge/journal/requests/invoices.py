"""Invoices as the journal's writer takes them: wanted, opened, refused, and forgotten by their provider."""

from bridge.journal.requests.recording import claim_addresses, move, record_observation, siblings_of, with_addresses
from bridge.journal.wakeups import OPENING_INVOICES
from bridge.journal.writing.batch import Batch
from coordinator.payments.agreed.invoices import InvoiceOpened, InvoiceWanted
from coordinator.payments.deciding.decisions import decide
from coordinator.payments.deciding.quotes import fee_priced, place_changed, quote_end
from coordinator.payments.observed.observations import InvoiceForgotten, InvoiceFound, InvoicePriced
from coordinator.payments.payments import OPEN_STATUSES
from coordinator.payments.problems.problems import is_forgotten

__all__ = ["forget_invoice", "record_invoice", "refuse_invoice", "want_invoice"]


def want_invoice(batch: Batch, payment_id: str, invoice: InvoiceWanted, opened: InvoiceOpened | None = None) -> None:
    """Makes an invoice the one to pay, as the provider has opened it now; or has it opened, if it has not. What it
    answered before is forgotten, but for its address."""
    batch.invoices.want(payment_id, invoice)
    if opened is None:
        batch.wakeups.add(OPENING_INVOICES)
    else:
        record_invoice(batch, payment_id, invoice.coin, opened)


def record_invoice(batch: Batch, payment_id: str, coin: str, opened: InvoiceOpened) -> None:
    """Writes down what the provider answered, with the end of its price. That a payment is to be paid elsewhere than
    before, or at another price, is told to whoever watches it."""
    first_opened_at = batch.invoices.first_opened_at(payment_id)
    end = quote_end(opened, first_opened_at=first_opened_at or batch.now, now=batch.now)
    batch.invoices.open(payment_id, coin, opened.model_copy(update={"quoted_until": end}))
    payment = batch.payments.get(payment_id)
    if payment is None:
        return
    if is_forgotten(payment) and payment.facts.given.issuperset(opened.places[:1]):
        payment = move(batch, decide(payment, InvoiceFound(), batch.now), ())
    # What is heard by asking does not name the fee, which must not be taken for the goods.
    priced = InvoicePriced(
        coin=coin,
        fee=fee_priced(opened, payment.amount),
        rate=opened.exchange_rate,
        usual_rate=opened.usual_rate,
        named=opened.fee,
        addresses=opened.places,
        also_in=opened.also_in,
    )
    siblings = siblings_of(batch, payment)
    payment = claim_addresses(batch, with_addresses(batch, payment), priced.addresses)
    payment = move(batch, decide(payment, priced, batch.now, siblings), siblings)
    if first_opened_at is not None:
        batch.add_events(place_changed(payment), payment_id=payment_id)


def refuse_invoice(batch: Batch, payment_id: str, coin: str, reason: str) -> None:
    """Writes down why the provider did not open an invoice."""
    batch.invoices.refuse(payment_id, coin, reason)


def forget_invoice(batch: Batch, payment_id: str) -> bool:
    """Writes down that a provider knows nothing any more of a payment's invoice, unless that is known. If nothing has
    come for it, has it opened anew, which is told to whoever watches the payment. Returns whether it is."""
    payment = batch.payments.get(payment_id)
    if payment is None:
        raise LookupError(f"there is no payment {payment_id}")
    if not is_forgotten(payment):
        key = f"forgotten:{payment_id}:{batch.now.isoformat()}"
        recorded = record_observation(
            batch,
            provider=payment.provider,
            external_id=payment.external_id,
            key=key,
            observation=InvoiceForgotten(),
        )
        payment = recorded.payment or payment
    if payment.status not in OPEN_STATUSES or payment.paid or payment.in_flight:
        return False
    invoice = batch.invoices.to_pay(payment_id)
    if invoice is None or invoice.opened is None:
        return False
    batch.invoices.want(payment_id, invoice.wanted)
    batch.wakeups.add(OPENING_INVOICES)
    batch.add_events(place_changed(payment), payment_id=payment_id)
    return True
