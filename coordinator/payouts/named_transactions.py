"""Transactions that people name, and the payments' hashes of Lightning: what one did already, or is to do, so that it
cannot be what it is named for. Pure."""

from collections.abc import Iterable
from datetime import datetime

from coordinator.errors import BridgeError
from coordinator.payments.observed.transfers import transfer_key
from coordinator.payments.payments import Payment
from coordinator.payouts.payouts import Payout
from coordinator.payouts.statuses import PayoutStatus

__all__ = ["TransactionTakenError", "brought_money", "is_by", "misnamed", "require_not_taken", "taken_for"]


class TransactionTakenError(BridgeError):
    """A transaction that is named for one payout or refund is another's already, or has paid another payment. Some
    are for several, which somebody who has looked can say."""


def brought_money(payment: Payment, tx_hash: str, *, before: datetime | None = None) -> bool:
    """Whether money of the payment's buyer came by it; of transfers whose time is known, only those `before`."""
    return any(
        transfer_key(transfer.tx_hash) == transfer_key(tx_hash)
        and (before is None or transfer.occurred_at is None or transfer.occurred_at < before)
        for transfer in (*payment.confirmed, *payment.in_flight)
    )


def is_by(payout: Payout, tx_hash: str) -> bool:
    """Whether it is known to carry the payout."""
    return transfer_key(tx_hash) in map(transfer_key, payout.facts.tx_hashes)


def taken_for(tx_hash: str, payouts: Iterable[Payout]) -> Payout | None:
    """What a transaction is for already: the first of the payouts that are known by it, because it carried them or
    brought them back, or is to pay them. None that it moved nothing of, or of which a person said so."""
    key = transfer_key(tx_hash)
    return next(
        (
            payout
            for payout in payouts
            if payout.status is not PayoutStatus.FAILED
            and key not in map(transfer_key, (*payout.facts.reverted_hashes, *payout.facts.disowned_hashes))
        ),
        None,
    )


def misnamed(payout: Payout, tx_hash: str, payment: Payment | None, known: Iterable[Payout]) -> str | None:
    """Why a transaction that a provider names cannot be what carried a payout of a payment; None if it can. `known`
    are the payouts that are known by it. One that is for several payouts of one order has carried each."""
    if payment is not None and brought_money(payment, tx_hash):
        return f"{payout.provider} names {tx_hash}, which is what the buyer paid with"
    others = [one for one in known if one.payout_id != payout.payout_id and not _is_sent_with(payout, one)]
    other = taken_for(tx_hash, others)
    return None if other is None else f"{payout.provider} names {tx_hash}, which is {other.payout_id}'s"


def _is_sent_with(payout: Payout, other: Payout) -> bool:
    return (payout.batch_id is not None and payout.batch_id == other.batch_id) or (
        payout.facts.task_id is not None and payout.facts.task_id == other.facts.task_id
    )


def require_not_taken(tx_hash: str, payouts: Iterable[Payout], payments: Iterable[Payment]) -> None:
    """Raises TransactionTakenError if a transaction is for another of the payouts that are known by it, or is what
    the buyer of another of the payments paid with."""
    other, paid = taken_for(tx_hash, payouts), (one for one in payments if brought_money(one, tx_hash))
    if other is not None:
        what = f"{'a refund' if other.refund_id else 'a payout'} of payment {other.payment_id}"
        known = f"is {other.payout_id}'s already, {what}"
    elif (payment := next(paid, None)) is not None:
        known = f"is what the buyer of payment {payment.payment_id} paid with"
    else:
        return
    raise TransactionTakenError(
        f"{tx_hash} {known}. Name another one, or say that you have seen that it is for both (`forSeveral`)"
    )
