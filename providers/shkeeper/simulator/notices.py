"""What SHKeeper would post: its notices of invoices and payouts, field by field as the gateway writes them, and the
headers that go with them. Pure; who sends them is somebody else's business.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from typing import Any

from coordinator.money import ZERO
from providers.shkeeper.signature import sign

__all__ = [
    "TEN_DECIMALS",
    "BookedTransaction",
    "compact",
    "fee_in",
    "invoice_notice",
    "payout_notice",
    "plain",
    "signed_headers",
    "unconfirmed_notice",
]

# SHKeeper writes amounts with up to ten decimals.
TEN_DECIMALS = Decimal("1e-10")
HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class BookedTransaction:
    """A confirmed transaction towards an invoice, as SHKeeper's books have it."""

    txid: str
    crypto: str
    amount_crypto: Decimal
    amount_fiat: Decimal
    booked_at: datetime


def invoice_notice(
    transactions: Sequence[BookedTransaction],
    *,
    trigger: str,
    address: str,
    crypto: str,
    external_id: str,
    fiat: str,
    status: str,
    overpaid_fiat: Decimal,
    fee_percent: Decimal,
) -> dict[str, Any]:
    """The notice of a confirmed transaction: a snapshot of its invoice, with every transaction so far (callback.py
    send_notification). `trigger` is the hash of the one that made SHKeeper speak."""
    return {
        "addr": address,
        # What came in another coin, before the buyer switched, counts in fiat only.
        "balance_crypto": plain(sum((part.amount_crypto for part in transactions if part.crypto == crypto), ZERO)),
        "balance_fiat": plain(sum((part.amount_fiat for part in transactions), ZERO)),
        "crypto": crypto,
        "external_id": external_id,
        "fee_fixed": "0",
        "fee_percent": plain(fee_percent),
        "fee_policy": "PERCENT_FEE",
        "fiat": fiat,
        "overpaid_fiat": f"{overpaid_fiat:.2f}",
        "paid": status in ("PAID", "OVERPAID"),
        "status": status,
        "transactions": [
            _transaction(part, trigger=part.txid == trigger, fee_percent=fee_percent) for part in transactions
        ],
    }


def _transaction(part: BookedTransaction, *, trigger: bool, fee_percent: Decimal) -> dict[str, Any]:
    fee = fee_in(part.amount_fiat, fee_percent)
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


def fee_in(amount: Decimal, percent: Decimal) -> Decimal:
    """SHKeeper's fee in an amount that was paid with it."""
    return (amount - amount * HUNDRED / (HUNDRED + percent)).quantize(TEN_DECIMALS, ROUND_DOWN)


def unconfirmed_notice(*, address: str, amount: Decimal, crypto: str, external_id: str, txid: str) -> dict[str, Any]:
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
    """The notice of a payout that has arrived (callback.py send_payout_notification)."""
    return {
        "amount": plain(amount),
        "amount_fiat": f"{amount_fiat:.2f}",
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


def plain(value: Decimal) -> str:
    """An amount as SHKeeper writes it: up to ten decimals, no exponent, no trailing zeros."""
    text = f"{value.quantize(TEN_DECIMALS, ROUND_HALF_EVEN):f}"
    return text.rstrip("0").rstrip(".")


def compact(notice: Mapping[str, Any]) -> bytes:
    """The body: compact JSON with sorted keys."""
    return json.dumps(notice, separators=(",", ":"), sort_keys=True).encode()
