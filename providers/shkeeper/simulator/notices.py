"""What SHKeeper would post: its notices of invoices and payouts, field by field as the gateway writes them, and the
headers that go with them. Pure; who sends them is somebody else's business.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from providers.shkeeper.simulator.terms.number_formats import plain
from providers.shkeeper.simulator.terms.terms import Fees
from providers.shkeeper.webhooks.signature import sign

__all__ = [
    "BookedTransaction",
    "compact",
    "invoice_notice",
    "payout_notice",
    "signed_headers",
    "unconfirmed_notice",
]


@dataclass(frozen=True, slots=True)
class BookedTransaction:
    """A transaction towards an invoice that a block holds, as SHKeeper's books have it."""

    txid: str
    crypto: str
    amount_crypto: Decimal
    amount_fiat: Decimal
    booked_at: datetime
    address: str = ""


def invoice_notice(
    transactions: Sequence[BookedTransaction],
    *,
    trigger: str,
    address: str,
    crypto: str,
    external_id: str | None,
    fiat: str,
    status: str,
    balance_crypto: Decimal,
    balance_fiat: Decimal,
    overpaid_fiat: Decimal,
    fees: Fees,
    fees_of: Mapping[str, Fees],
) -> dict[str, Any]:
    """The notice of a confirmed transaction: a snapshot of its invoice, with every transaction so far (callback.py
    send_notification). `trigger` is the hash of the one that made SHKeeper speak, `fees` are those of the invoice's
    coin and `fees_of` those of the other coins that were paid."""
    return {
        "addr": address,
        "balance_crypto": plain(balance_crypto),
        "balance_fiat": plain(balance_fiat),
        "crypto": crypto,
        "external_id": external_id,
        "fee_fixed": plain(fees.fixed),
        "fee_percent": plain(fees.percent),
        "fee_policy": fees.policy.value,
        "fiat": fiat,
        "overpaid_fiat": f"{overpaid_fiat:.2f}",
        "paid": status in ("PAID", "OVERPAID"),
        "status": status,
        "transactions": [
            _transaction(part, trigger=part.txid == trigger, fees=fees_of.get(part.crypto, fees))
            for part in transactions
        ],
    }


def _transaction(part: BookedTransaction, *, trigger: bool, fees: Fees) -> dict[str, Any]:
    fee = fees.within(part.amount_fiat)
    return {
        "amount_crypto": plain(part.amount_crypto),
        "amount_fiat": plain(part.amount_fiat),
        "amount_fiat_without_fee": plain(part.amount_fiat - fee),
        "crypto": part.crypto,
        "date": part.booked_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"),
        "fee_fiat": plain(fee),
        "trigger": trigger,
        "txid": part.txid,
    }


def unconfirmed_notice(
    *, address: str, amount: Decimal, crypto: str, external_id: str | None, txid: str
) -> dict[str, Any]:
    """The notice of a transaction before it is confirmed (callback.py send_unconfirmed_notification)."""
    return {
        "addr": address,
        "amount": plain(amount),
        "crypto": crypto,
        "external_id": external_id,
        "status": "unconfirmed",
        "txid": txid,
    }


def payout_notice(
    *,
    payout_id: int,
    external_id: str | None,
    crypto: str,
    amount: Decimal,
    amount_fiat: Decimal,
    txid: str,
    at: datetime,
) -> dict[str, Any]:
    """The notice of a payout that has arrived (callback.py send_payout_notification). Unlike others its numbers have
    all the zeros of the database's columns; `at` is when it was asked for."""
    return {
        "amount": f"{amount:.10f}",
        "amount_fiat": f"{amount_fiat:.20f}",
        "crypto": crypto,
        "currency_fiat": "USD",
        "external_id": external_id,
        "payout_id": payout_id,
        "status": "SUCCESS",
        "timestamp": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        "tx_hash": txid,
    }


def signed_headers(key: str, body: bytes, now: datetime, *, with_key: bool = True) -> dict[str, str]:
    """The headers of a notice that is sent at `now`: each try is signed anew. Notices of invoices carry the key
    itself too, those of payouts do not."""
    timestamp = str(int(now.timestamp()))
    headers = {
        "Content-Type": "application/json",
        "X-Shkeeper-Timestamp": timestamp,
        "X-Shkeeper-Signature": sign(key, timestamp, body),
    }
    return headers | ({"X-Shkeeper-Api-Key": key} if with_key else {})


def compact(notice: Mapping[str, Any]) -> bytes:
    """The body: compact JSON with sorted keys."""
    return json.dumps(notice, separators=(",", ":"), sort_keys=True).encode()
