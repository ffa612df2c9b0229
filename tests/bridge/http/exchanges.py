"""What callers send to a running bridge, and what they look for in its answers and its journal."""

import hashlib
import hmac
import itertools
import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import httpx

from tests.clock import BOOKED_AT
from tests.waiting import GIVE_UP_SECONDS

KEYS = ("the-old-key-of-the-gateway", "the-new-key-of-the-gateway")
NUMBERS = itertools.count(1)
As = Callable[[str], httpx.Client]
"""Gives clients with some token."""


def registration(**changes: object) -> dict[str, object]:
    number = next(NUMBERS)
    fields: dict[str, object] = {
        "provider": "shkeeper",
        "externalId": f"order-{number}",
        "requestId": f"request-{number}",
        "buyerId": "b1",
        "sellerId": "s1",
        "offerId": "o1",
        "amount": "49.90",
        "currency": "USD",
    }
    return {name: value for name, value in {**fields, **changes}.items() if value is not ...}


def notice(external_id: object, **changes: object) -> bytes:
    """What the webhook of an invoice says. Its one transaction is worth the balance, unless `transactions` differ."""
    balance = changes.get("balance_fiat", "49.9")
    fields: dict[str, object] = {
        "addr": f"0xabc{external_id}",
        "balance_crypto": "49.9",
        "balance_fiat": "49.9",
        "crypto": "ETH-USDT",
        "external_id": external_id,
        "fiat": "USD",
        "overpaid_fiat": "0.00",
        "paid": True,
        "status": "PAID",
        "transactions": [
            {
                "amount_crypto": "49.9",
                "amount_fiat": balance,
                "crypto": "ETH-USDT",
                "date": BOOKED_AT,
                "trigger": True,
                "txid": "0x1",
            }
        ],
        **changes,
    }
    return json.dumps(fields, separators=(",", ":"), sort_keys=True).encode()


def signed(body: bytes, key: str = KEYS[0], *, age_seconds: int = 0) -> dict[str, str]:
    timestamp = str(int(time.time()) - age_seconds)
    signature = hmac.new(key.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Shkeeper-Timestamp": timestamp, "X-Shkeeper-Signature": signature}


def problem(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith("application/problem+json")
    document: dict[str, Any] = response.json()
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    return document


def stored(bridge: Any, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(bridge.database, timeout=GIVE_UP_SECONDS)) as connection:
        return connection.execute(statement, parameters).fetchall()


def write(bridge: Any, statement: str, *parameters: object) -> None:
    """Changes what is in the database behind the bridge's back, as time or an earlier version would have."""
    with closing(sqlite3.connect(bridge.database, timeout=GIVE_UP_SECONDS)) as connection, connection:
        connection.execute(statement, parameters)
