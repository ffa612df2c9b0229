"""A payment as the OpenAPI document shows it: how it is registered, and how it is told of."""

__all__ = ["REQUEST_EXAMPLE", "RESPONSE_EXAMPLE"]

REQUEST_EXAMPLE = {
    "provider": "shkeeper",
    "externalId": "order-1001",
    "requestId": "request-77",
    "buyerId": "buyer-5",
    "sellerId": "seller-9",
    "offerId": "offer-3",
    "amount": "49.90",
    "currency": "USD",
    "returnUrl": "https://shop.example/orders/1001",
}
RESPONSE_EXAMPLE = {
    "paymentId": "pay_65f1c0ffee0123456789abcd",
    **REQUEST_EXAMPLE,
    "checkoutId": None,
    "whole": True,
    "status": "partially_paid",
    "escrowState": "none",
    "received": "19.96",
    "missing": "29.94",
    "excess": "0.00",
    "fee": "0.00",
    "missingFee": "0.00",
    "refunded": "0.00",
    "refundable": [{"of": "goods", "sellerId": "seller-9", "amount": "19.96"}],
    "escrow": {
        "received": "19.96",
        "held": "19.96",
        "underWay": "0.00",
        "released": "0.00",
        "refunded": "0.00",
        "fee": "0.00",
        "excess": "0.00",
        "overdrawn": "0.00",
    },
    "shares": [
        {
            "requestId": "request-77",
            "sellerId": "seller-9",
            "offerId": "offer-3",
            "amount": "49.90",
            "cancelled": False,
        }
    ],
    "late": False,
    "confirmations": None,
    "requiredConfirmations": None,
    "direct": None,
    "transfers": [
        {
            "txHash": "0x518ad4b1f1c0a37e3a2f7c1f0f2d7d6b8c9e0a1b2c3d4e5f60718293a4b5c6d7",
            "asset": "ETH-USDT",
            "amount": "19.96",
            "value": "19.96",
            "confirmed": True,
            "occurredAt": "2026-01-31T15:45:38Z",
        }
    ],
    "sightings": [],
    "createdAt": "2026-01-31T15:40:00Z",
    "updatedAt": "2026-01-31T15:45:40Z",
    "expiresAt": "2026-02-01T15:40:00Z",
    "invoices": [
        {
            "coin": "ETH-USDT",
            "displayName": "ERC20 USDT",
            "address": "0x6f2Fa34BC0ee4C9B53c1D9e6c2C7e2a1d1a1b2c3",
            "checkoutUrl": None,
            "coinAmount": "30.5388",
            "wholeCoinAmount": "50.898",
            "exchangeRate": "1",
            "asked": "30.54",
            "fee": "0.60",
            "paymentUri": "0x6f2Fa34BC0ee4C9B53c1D9e6c2C7e2a1d1a1b2c3",
            "quotedUntil": "2026-01-31T16:40:00Z",
            "refusal": None,
        }
    ],
    "refunds": [],
    "disputes": [],
    "history": [
        {
            "at": "2026-01-31T15:40:00Z",
            "observation": "registered",
            "effect": "applied",
            "status": "pending",
            "escrowState": "none",
            "received": "0.00",
            "txHash": None,
        },
        {
            "at": "2026-01-31T15:45:40Z",
            "observation": "invoice-snapshot",
            "effect": "applied",
            "status": "partially_paid",
            "escrowState": "none",
            "received": "19.96",
            "txHash": "0x518ad4b1f1c0a37e3a2f7c1f0f2d7d6b8c9e0a1b2c3d4e5f60718293a4b5c6d7",
        },
    ],
}
