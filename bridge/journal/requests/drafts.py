"""Drafts: a payment is written down before its provider is asked for an invoice, and exists once that has answered.

So what the provider refuses never was a payment and nobody hears of it, and a stop of the bridge in between loses
nothing: whoever finds a draft asks again, in the same words, which gives the same invoice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from bridge.journal.requests.payments import (
    IdempotencyKey,
    Registered,
    known_payment,
    made_payment,
    refuse_conflict,
    refuse_reuse,
    register_payment,
)
from bridge.journal.tables import schema
from bridge.journal.writing.batch import Batch
from coordinator.payments.agreed.invoices import InvoiceOpened, InvoiceWanted
from coordinator.payments.payments import Payment

__all__ = ["Draft", "draft_payment", "drafts", "drop_draft", "settle_draft"]


@dataclass(frozen=True, slots=True)
class Draft:
    """A payment that is to be registered, and the invoice that its provider is asked for."""

    payment: Payment
    wanted: InvoiceWanted
    idempotency: IdempotencyKey | None


def draft_payment(
    batch: Batch, payment: Payment, idempotency: IdempotencyKey | None, wanted: InvoiceWanted
) -> Draft | Payment:
    """Writes a draft down, or finds the one of an earlier request for the same; or the payment, if it is registered.

    Raises as `register_payment`.
    """
    existing = made_payment(batch, idempotency) or known_payment(batch, payment)
    if existing is not None:
        return register_payment(batch, payment, idempotency).payment
    earlier = batch.drafts.find(
        scope=None if idempotency is None else idempotency.scope,
        key=None if idempotency is None else idempotency.key,
        checkout_id=None if payment.checkout is None else payment.checkout.checkout_id,
    )
    if earlier is not None:
        return _same(draft_from_row(earlier), payment, idempotency)
    batch.drafts.add(
        {
            "payment_id": payment.payment_id,
            "payment": payment.model_dump_json(),
            "wanted": wanted.model_dump_json(),
            "scope": idempotency and idempotency.scope,
            "key": idempotency and idempotency.key,
            "request_digest": idempotency and idempotency.request_digest,
            "checkout_id": payment.checkout and payment.checkout.checkout_id,
        }
    )
    return Draft(payment, wanted, idempotency)


def _same(earlier: Draft, payment: Payment, idempotency: IdempotencyKey | None) -> Draft:
    known = earlier.idempotency
    if (
        known is not None
        and idempotency is not None
        and (known.scope, known.key) == (idempotency.scope, idempotency.key)
    ):
        refuse_reuse(idempotency, known.request_digest)
    else:
        refuse_conflict(earlier.payment, payment)
    return earlier


def settle_draft(batch: Batch, draft: Draft, opened: InvoiceOpened | None) -> Registered:
    """Registers the payment of a draft, with its invoice, which is to be opened if it is not open. Raises as
    `register_payment`."""
    registered = register_payment(batch, draft.payment, draft.idempotency, draft.wanted, opened)
    batch.drafts.remove(draft.payment.payment_id)
    return registered


def drop_draft(batch: Batch, payment_id: str) -> None:
    """Forgets a draft, because its provider refused it."""
    batch.drafts.remove(payment_id)


def drafts(connection: Connection, before: datetime | None) -> list[Draft]:
    """All drafts there are, or those from before then, the oldest first."""
    found = select(schema.drafts).order_by(schema.drafts.c.created_at)
    rows = connection.execute(found if before is None else found.where(schema.drafts.c.created_at < before))
    return [draft_from_row(row) for row in rows.mappings()]


def draft_from_row(row: RowMapping | Mapping[str, Any]) -> Draft:
    key = None if row["key"] is None else IdempotencyKey(row["scope"], row["key"], row["request_digest"])
    return Draft(Payment.model_validate_json(row["payment"]), InvoiceWanted.model_validate_json(row["wanted"]), key)
