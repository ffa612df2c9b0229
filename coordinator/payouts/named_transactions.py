"""Transactions that people name: what one did already, so that it cannot be what it is named for. Pure."""

from collections.abc import Iterable
from datetime import datetime

from coordinator.payments.payments import Payment
from coordinator.payments.transfers import transfer_key
from coordinator.payouts.payouts import Payout

__all__ = ["brought_money", "carried_by"]


def brought_money(payment: Payment, tx_hash: str, *, before: datetime | None = None) -> bool:
    """Whether money of the payment's buyer came by it; of transfers whose time is known, only those `before`."""
    return any(
        transfer_key(transfer.tx_hash) == transfer_key(tx_hash)
        and (before is None or transfer.occurred_at is None or transfer.occurred_at < before)
        for transfer in (*payment.confirmed, *payment.in_flight)
    )


def carried_by(tx_hash: str, payouts: Iterable[Payout]) -> Payout | None:
    """The first of the payouts that is known to be carried by it."""
    key = transfer_key(tx_hash)
    return next((one for one in payouts if key in map(transfer_key, one.facts.tx_hashes)), None)
