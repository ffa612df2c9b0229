"""A service written in Python sells a template checkout and has its sellers paid, by `bridge.client` alone."""

import asyncio
from decimal import Decimal

import pytest

from bridge.client import (
    AsyncBridgeClient,
    BridgeClient,
    CheckoutShare,
    IdempotencyKeyReusedError,
    PayoutOrder,
    PayoutRefusedError,
    RequestedPayout,
)
from coordinator.payouts.statuses import PayoutStatus
from tests.made_destinations import destination
from tests.system.shkeeper.conftest import PATIENT_SERVICE, Marketplace


def order(payment_id: str, seller_id: str, amount: str) -> PayoutOrder:
    return PayoutOrder(
        payment_id=payment_id,
        seller_id=seller_id,
        coin="ETH-USDT",
        amount=Decimal(amount),
        destination=destination("ETH-USDT", f"{payment_id}{seller_id}"),
    )


def test_the_sellers_of_a_checkout_are_paid_once_each(marketplace: Marketplace) -> None:
    bridge, shkeeper = marketplace.bridge, marketplace.shkeeper
    with BridgeClient(bridge.url, **PATIENT_SERVICE) as client:
        checkout = client.register_checkout(
            provider="shkeeper",
            coin="ETH-USDT",
            buyer_id="b1",
            currency="USD",
            shares=[
                CheckoutShare(request_id="r1", seller_id="s1", amount="60"),
                CheckoutShare(request_id="r2", seller_id="s2", amount="40"),
            ],
        )
        payment_id, [invoice] = checkout.payment.payment_id, checkout.payment.invoices
        orders = [order(payment_id, "s1", "59"), order(payment_id, "s2", "39.5")]
        with pytest.raises(PayoutRefusedError, match="is pending, not completed") as caught:
            client.send_payouts(orders)
        assert [fault.field for fault in caught.value.faults] == ["payouts.0"]

        assert invoice.address is not None
        shkeeper.transfer(invoice.address)
        marketplace.wait_for(payment_id, "completed")
        sent = client.send_payouts(orders, asked_by="ada", idempotency_key="sellers-of-r1")
        [asked] = {marketplace.payout(one.payout_id)["approval"]["askedBy"] for one in sent}
        assert asked == "ada"
        assert [(one.payment_id, one.seller_id, one.amount) for one in sent] == [
            (payment_id, "s1", 59),
            (payment_id, "s2", Decimal("39.5")),
        ]
        marketplace.settle([{"payoutId": one.payout_id} for one in sent], "completed")

        async def again() -> list[RequestedPayout]:
            async with AsyncBridgeClient(bridge.url, **PATIENT_SERVICE) as other:
                return await other.send_payouts(orders, asked_by="ada", idempotency_key="sellers-of-r1")

        settled = asyncio.run(again())
        assert [one.payout_id for one in settled] == [one.payout_id for one in sent]
        assert {one.status for one in settled} == {PayoutStatus.COMPLETED}
        assert all(one.tx_hashes for one in settled)
        with pytest.raises(IdempotencyKeyReusedError):
            client.send_payouts(orders, another=True, idempotency_key="sellers-of-r1")
    for payout in sent:
        assert len(marketplace.sent(payout.payout_id)) == 1
