"""What can be looked up about chains: how far each is followed, who waits on it, and what was paid on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import ColumnElement, Connection, Float, String, Table, and_, cast, func, or_, select, text, union

from bridge.journal.tables import schema
from bridge.journal.tables.rows import payment_from_row, payout_from_row
from bridge.journal.tables.unreadable_rows import readable
from bridge.journal.writing.staged.chains import StagedTransfer
from coordinator.batched import batched
from coordinator.payments.payments import Payment
from coordinator.payouts.payouts import Payout
from coordinator.payouts.statuses import UNSETTLED_STATUSES

__all__ = [
    "ChainAlarm",
    "UnmatchedTransfer",
    "chain_alarms",
    "chain_following",
    "chain_transfers",
    "chain_transfers_since",
    "payments_at",
    "payments_moved",
    "payments_named",
    "payments_waiting",
    "payouts_named",
    "payouts_to",
    "payouts_waiting",
    "unmatched_transfers",
]

TRANSACTIONS_ASKED_FOR = 400
ALARMS_SHOWN = 100
# The largest transfers of a sender to a recipient are shown each for itself, the others as one line, so that whoever
# sends many hides nobody else's.
SHOWN_OF_A_SENDER = 3


@dataclass(frozen=True, slots=True)
class ChainAlarm:
    """Something on a chain that a person has to know of."""

    chain: str
    kind: str
    """`taken-back`, `contradicted`, or `unfollowed`."""
    block_number: int
    """0 where it is about none."""
    message: str
    raised_at: datetime


@dataclass(frozen=True, slots=True)
class UnmatchedTransfer:
    """A transfer of which nobody knows what it is for."""

    transfer: StagedTransfer
    smaller: int = 0
    """So many more of its sender, to the same recipient and in the same token, are no larger and not shown."""
    newest_at: datetime | None = None
    """When the newest of all these was mined, where there are more."""
    is_alone: bool = True
    """Whether no other of its transaction's transfers is nobody's."""


def chain_following(connection: Connection, chain: str) -> str | None:
    """Where a chain is followed to; None if it never was."""
    checkpoints = schema.chain_checkpoints
    following: str | None = connection.scalar(select(checkpoints.c.following).where(checkpoints.c.chain == chain))
    return following


def payments_waiting(connection: Connection, chain: str, *, moved_since: datetime) -> dict[str, str]:
    """Payments over a chain that money may come for, since they are open or moved since then, by their ids, each with
    its latest move: another one whenever it moves again. Each kind goes by an index of its own: all that were ever
    paid over the chain are many more."""
    payments = schema.payments
    there = and_(payments.c.chain == chain, payments.c.chain.is_not(None))
    is_open = and_(there, text(f"payments.{schema.OPEN}"))  # in the words of the index, or it would not be used
    return _latest_moves(connection, payments, payments.c.payment_id, is_open, _moved(payments, chain, moved_since))


def payments_moved(connection: Connection, chain: str, *, since: datetime) -> dict[str, str]:
    """Payments over a chain that came, or moved, since then, as `payments_waiting`."""
    payments = schema.payments
    return _latest_moves(connection, payments, payments.c.payment_id, _moved(payments, chain, since))


def payments_named(connection: Connection, payment_ids: Sequence[str]) -> list[Payment]:
    """Those of some payments that there are."""
    rows = connection.execute(select(schema.payments).where(schema.payments.c.payment_id.in_(payment_ids)))
    return readable(connection, payment_from_row, rows.mappings())


def payments_at(
    connection: Connection, chain: str, recipients: Sequence[str], *, moved_since: datetime
) -> list[Payment]:
    """As `payments_waiting`, those to some addresses, all of each. Each kind goes by an index of its own: all that a
    wallet was ever paid are many more."""
    payments = schema.payments
    there = and_(payments.c.chain == chain, payments.c.recipient.in_(recipients))
    is_open = text(f"payments.{schema.OPEN}")  # in the words of the index, or it would not be used
    has_moved = _moved(payments, chain, moved_since)
    found = union(*(select(payments.c.payment_id).where(there, either) for either in (is_open, has_moved)))
    rows = connection.execute(select(payments).where(payments.c.payment_id.in_(found)))
    return readable(connection, payment_from_row, rows.mappings())


def payouts_waiting(connection: Connection, chain: str, *, moved_since: datetime) -> dict[str, str]:
    """Payouts over a chain that are not settled, or moved since then, as `payments_waiting`."""
    payouts = schema.payouts
    is_unsettled = and_(payouts.c.chain == chain, text(f"payouts.{schema.UNDER_WAY}"))  # as above
    return _latest_moves(connection, payouts, payouts.c.payout_id, is_unsettled, _moved(payouts, chain, moved_since))


def payouts_named(connection: Connection, payout_ids: Sequence[str]) -> list[Payout]:
    """Those of some payouts that there are."""
    rows = connection.execute(select(schema.payouts).where(schema.payouts.c.payout_id.in_(payout_ids)))
    return readable(connection, payout_from_row, rows.mappings())


def payouts_to(
    connection: Connection, chain: str, destinations: Sequence[str], *, moved_since: datetime
) -> list[Payout]:
    """As `payouts_waiting`, those to some addresses, all of each."""
    payouts = schema.payouts
    rows = connection.execute(
        select(payouts).where(
            payouts.c.chain == chain,
            payouts.c.destination.in_(destinations),
            or_(payouts.c.status.in_(UNSETTLED_STATUSES), payouts.c.updated_at >= moved_since),
        )
    )
    return readable(connection, payout_from_row, rows.mappings())


def chain_transfers(connection: Connection, chain: str, tx_hashes: Sequence[str]) -> list[StagedTransfer]:
    """The transfers of these transactions that were written down."""
    transfers = schema.chain_transfers
    found: list[StagedTransfer] = []
    for asked_for in batched(tx_hashes, TRANSACTIONS_ASKED_FOR):
        found += _transfers(connection, and_(transfers.c.chain == chain, transfers.c.tx_hash.in_(asked_for)))
    return found


def chain_transfers_since(connection: Connection, chain: str, block_number: int) -> list[StagedTransfer]:
    """The transfers of this block and of later ones."""
    transfers = schema.chain_transfers
    return _transfers(connection, and_(transfers.c.chain == chain, transfers.c.block_number >= block_number))


def unmatched_transfers(connection: Connection, limit: int, after: int = 0) -> list[UnmatchedTransfer]:
    """Transfers of which nobody knows what they are for, from a place in the list on: of each token the largest
    first, since what a token is worth is not known here."""
    transfers = schema.chain_transfers
    # Floating point only sorts: what is shown is the amount as it was written down.
    size = cast(transfers.c.amount, Float)
    group = [transfers.c.chain, transfers.c.symbol, transfers.c.sender, transfers.c.recipient]
    order = (size.desc(), transfers.c.mined_at.desc(), transfers.c.transfer_id)
    of_senders = (
        select(
            *transfers.c,
            size.label("size"),
            func.row_number().over(partition_by=group, order_by=order).label("place_of_sender"),
            func.count().over(partition_by=group).label("of_sender"),
            func.count().over(partition_by=[transfers.c.chain, transfers.c.tx_hash]).label("of_transaction"),
            func.max(transfers.c.mined_at).over(partition_by=group).label("newest_at"),
        )
        .where(transfers.c.payment_id.is_(None), transfers.c.payout_id.is_(None))
        .subquery()
    )
    lines = of_senders.c
    of_token = func.row_number().over(
        partition_by=[lines.chain, lines.symbol],
        order_by=(lines.size.desc(), lines.mined_at.desc(), lines.transfer_id),
    )
    rows = connection.execute(
        select(of_senders, of_token.label("place_of_token"))
        .where(lines.place_of_sender <= SHOWN_OF_A_SENDER + 1)
        .order_by("place_of_token", lines.mined_at.desc(), lines.transfer_id)
        .limit(limit)
        .offset(after)
    )
    found = []
    for row in rows.mappings():
        columns = {column.name: row[column.name] for column in transfers.c}
        transfer = StagedTransfer(**columns | {"amount": Decimal(row["amount"])})
        smaller = row["of_sender"] - row["place_of_sender"] if row["place_of_sender"] > SHOWN_OF_A_SENDER else 0
        is_alone = row["of_transaction"] == 1
        found.append(UnmatchedTransfer(transfer, smaller, row["newest_at"] if smaller else None, is_alone))
    return found


def chain_alarms(connection: Connection, since: datetime | None) -> list[ChainAlarm]:
    """What went wrong, since then if that is given; newest first."""
    alarms = schema.chain_alarms
    found = select(alarms).order_by(alarms.c.alarm_id.desc()).limit(ALARMS_SHOWN)
    rows = connection.execute(found if since is None else found.where(alarms.c.raised_at >= since))
    return [ChainAlarm(row.chain, row.kind, row.block_number, row.message, row.raised_at) for row in rows]


def _moved(table: Table, chain: str, since: datetime) -> ColumnElement[bool]:
    """What holds for payments or payouts over a chain that moved since then, in the words of their index."""
    return and_(table.c.chain == chain, table.c.chain.is_not(None), table.c.updated_at >= since)


def _latest_moves(
    connection: Connection, table: Table, named: ColumnElement[str], *either: ColumnElement[bool]
) -> dict[str, str]:
    # To tell two moves apart they need not be made moments of, which takes as long as all the rest.
    latest_move = cast(table.c.updated_at, String)
    return dict(connection.execute(union(*(select(named, latest_move).where(one) for one in either))).all())


def _transfers(connection: Connection, condition: ColumnElement[bool]) -> list[StagedTransfer]:
    transfers = schema.chain_transfers
    rows = connection.execute(
        select(transfers).where(condition).order_by(transfers.c.mined_at.desc(), transfers.c.transfer_id)
    )
    return [StagedTransfer(**{**row, "amount": Decimal(row["amount"])}) for row in rows.mappings()]
