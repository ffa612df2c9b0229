"""What is looked up of who pays and who is paid over a chain, to tell what it shows from what is written down."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from bridge.journal.tables import schema
from bridge.journal.tables.rows import payout_from_row
from bridge.journal.tables.unreadable_rows import readable
from coordinator.batched import batched
from coordinator.payments.observed.transfers import transfer_key
from coordinator.payouts.payouts import Payout
from coordinator.payouts.unknown_transfers import Explained

__all__ = ["KnownParties", "explained_by", "known_parties", "paid_into", "payouts_under_way_to"]

NAMED_AT_ONCE = 400


@dataclass(frozen=True, slots=True)
class KnownParties:
    """Who is known of a chain."""

    senders: frozenset[str]
    """The wallets that payouts came from, or are to come from."""
    destinations: Sequence[tuple[str, str]]
    """Where people were paid out, and who, the latest first; then where they may be."""


def known_parties(connection: Connection, chain: str, limit: int) -> KnownParties:
    """Who is known of a chain; of destinations no more than so many."""
    payouts, transfers, allowed = schema.payouts, schema.chain_transfers, schema.allowed_destinations
    named = select(payouts.c.sender).where(payouts.c.chain == chain, payouts.c.sender.is_not(None))
    seen = select(transfers.c.sender).where(transfers.c.chain == chain, transfers.c.payout_id.is_not(None))
    senders = connection.scalars(named.union(seen))
    payee = func.coalesce(payouts.c.buyer_id, payouts.c.seller_id)
    paid = connection.execute(
        select(payouts.c.destination, payee)
        .where(payouts.c.chain == chain)
        .group_by(payouts.c.destination, payee)
        .order_by(func.max(payouts.c.updated_at).desc())
        .limit(limit)
    )
    listed = connection.execute(
        select(allowed.c.destination, allowed.c.seller_id)
        .where(allowed.c.destination.like("0x%"))
        .order_by(allowed.c.added_at.desc())
        .limit(limit)
    )
    return KnownParties(frozenset(senders), [(to, whom) for to, whom in (*paid, *listed)])


def explained_by(connection: Connection, chain: str, tx_hashes: Sequence[str]) -> list[Explained]:
    """What the journal knows of some transactions: the payouts that they carried or brought back, and the transfers
    in them that paid somebody."""
    transactions, payouts, transfers = schema.payout_transactions, schema.payouts, schema.chain_transfers
    found: list[Explained] = []
    for part in _parts(tx_hashes):
        carried = connection.execute(
            select(transactions.c.tx_key, payouts.c.destination)
            .join(payouts, payouts.c.payout_id == transactions.c.payout_id)
            .where(transactions.c.tx_key.in_([transfer_key(one) for one in part]))
        )
        came = connection.execute(
            select(transfers.c.tx_hash, transfers.c.recipient).where(
                transfers.c.chain == chain, transfers.c.tx_hash.in_(part), transfers.c.payment_id.is_not(None)
            )
        )
        found += [Explained(tx_hash, to) for tx_hash, to in (*carried, *came)]
    return found


def paid_into(connection: Connection, chain: str, addresses: Sequence[str]) -> frozenset[str]:
    """Those of some addresses that payments are paid to."""
    payments = schema.payments
    return frozenset(
        recipient
        for part in _parts(addresses)
        for recipient in connection.scalars(
            select(payments.c.recipient).where(payments.c.chain == chain, payments.c.recipient.in_(part))
        )
    )


def payouts_under_way_to(connection: Connection, chain: str, destinations: Sequence[str]) -> list[Payout]:
    """The payouts to some addresses that nobody knows the end of."""
    payouts = schema.payouts
    found: list[Payout] = []
    for part in _parts(destinations):
        rows = connection.execute(
            select(payouts).where(payouts.c.chain == chain, payouts.c.destination.in_(part))
        ).mappings()
        found += [one for one in readable(connection, payout_from_row, rows) if not one.is_settled]
    return found


def _parts(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return batched(sorted(set(names)), NAMED_AT_ONCE)
