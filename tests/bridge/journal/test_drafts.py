"""Drafts: found again by whoever asks for the same, and gone once there is a payment."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from bridge.journal import Draft, IdempotencyKey, IdempotencyKeyReusedError, Journal, PaymentConflictError
from coordinator.payments.agreed.agreements import Checkout, Share
from coordinator.payments.agreed.invoices import InvoiceOpened, InvoiceWanted
from coordinator.payments.payments import Payment

KEY = IdempotencyKey("payments", "k1", "digest")
OPENED = InvoiceOpened(address="a" * 400, coin_amount=Decimal(1), payment_uri="bitcoin:x")


def payment(payment_id: str, **changes: object) -> Payment:
    agreed = {
        "payment_id": payment_id,
        "provider": "shkeeper",
        "external_id": payment_id,
        "request_id": "r1",
        "buyer_id": "b1",
        "seller_id": "s1",
        "amount": Decimal(100),
        "currency": "USD",
        "created_at": datetime(2026, 5, 1, tzinfo=UTC),
    }
    return Payment.model_validate(agreed | changes)


def wanted(payment_id: str) -> InvoiceWanted:
    return InvoiceWanted(
        provider="shkeeper",
        external_id=payment_id,
        callback_url="http://127.0.0.1/x",
        coin="BTC",
        amount=Decimal(100),
        currency="USD",
    )


async def drafted(journal: Journal, made: Payment, key: IdempotencyKey | None) -> Draft:
    draft = await journal.unfinished.draft_payment(made, key, wanted(made.payment_id))
    assert isinstance(draft, Draft)
    return draft


async def test_asked_for_again_with_its_key_it_is_the_same_draft_and_then_the_same_payment(journal: Journal) -> None:
    first = await drafted(journal, payment("pay_1"), KEY)
    again = await drafted(journal, payment("pay_2"), KEY)
    assert again == first == (await journal.unfinished.drafts())[0]
    assert await journal.payment_record("pay_1") is None
    for is_new in (True, False):
        registered = await journal.unfinished.settle_draft(first, OPENED)
        assert (registered.is_new, registered.payment.payment_id) == (is_new, "pay_1")
    assert await journal.unfinished.drafts() == []
    found = await journal.unfinished.draft_payment(payment("pay_3"), KEY, wanted("pay_3"))
    assert isinstance(found, Payment)
    assert found.payment_id == "pay_1"
    record = await journal.payment_record("pay_1")
    assert record is not None
    assert [invoice.opened for invoice in record.invoices] == [OPENED]


async def test_a_key_of_a_draft_is_for_no_other_request(journal: Journal) -> None:
    await drafted(journal, payment("pay_1"), KEY)
    other = IdempotencyKey("payments", "k1", "another digest")
    with pytest.raises(IdempotencyKeyReusedError):
        await journal.unfinished.draft_payment(payment("pay_2"), other, wanted("pay_2"))


async def test_a_checkout_has_one_draft(journal: Journal) -> None:
    def checkout(payment_id: str, amount: int) -> Payment:
        share = Share(request_id="r1", seller_id="s1", amount=Decimal(amount))
        return payment(
            payment_id, amount=Decimal(amount), checkout=Checkout(checkout_id="checkout-1", shares=(share,))
        )

    first = await drafted(journal, checkout("pay_1", 100), None)
    assert await drafted(journal, checkout("pay_2", 100), KEY) == first
    with pytest.raises(PaymentConflictError):
        await journal.unfinished.draft_payment(checkout("pay_3", 200), None, wanted("pay_3"))


async def test_what_is_dropped_is_gone_and_its_key_is_free(journal: Journal) -> None:
    draft = await drafted(journal, payment("pay_1"), KEY)
    await journal.unfinished.drop_draft(draft)
    assert await journal.unfinished.drafts() == []
    assert (await drafted(journal, payment("pay_2"), KEY)).payment.payment_id == "pay_2"
