"""Sales of a running bridge, for tests that look at its lists and books."""

from typing import Any

import httpx

__all__ = ["is_completed", "register"]


def register(client: httpx.Client, number: int, *, seller_id: str, amount: str) -> dict[str, Any]:
    content = {
        "provider": "shkeeper",
        "coin": "ETH-USDT",
        "requestId": f"request-{number}",
        "buyerId": "b1",
        "sellerId": seller_id,
        "amount": amount,
        "currency": "USD",
    }
    made: dict[str, Any] = client.post("/api/payments", json=content).raise_for_status().json()
    return made


def is_completed(client: httpx.Client, payment: dict[str, Any]) -> bool:
    row = client.get(f"/api/ops/payments/{payment['paymentId']}").raise_for_status().json()
    return bool(row["status"] == "completed")
