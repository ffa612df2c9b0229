"""What can be looked up about chains: how far each is followed, who waits on it, and what was paid on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Float,
    Select,
    String,
    Table,
    and_,
    bindparam,
    cast,
    func,
    or_,
    select,
    text,
    union,
)

from bridge.journal.tables import schema
from bridge.journal.tables.column_types import UtcDateTime
from bridge.journal.tables.rows import payment_from_row, payout_from_row
from bridge.journal.tables.unreadable_rows import readable
from bridge.journal.writing.staged.chains import StagedTransfer
from coordinator.batched import batched
from coordinator.payments.payments import Payment
from coordinator.payouts.payouts import Payout
from coordinator.payouts.statuses import UNSETTLED_STATUSES

__all__ = [
    "ChainAlarm",
    "ChainNews",
    "UnmatchedTransfer",
    "chain_alarms",
    "chain_following",
    "chain_news",
    "chain_transfers",
    "chain_transfers_since",
    "payments_named",
    "payments_waiting",
    "payouts_named",
    "payouts_waiting",
    "unmatched_transfers",
    "waiting_at",
]

READ_AT_ONCE = 400
ALARMS_SHOWN = 100
# The largest transfers of a sender to a recipient are shown each for itself, the others as one line, so that whoever
# sends many hides nobody else's.
SHOWN_OF_A_SENDER = 3


def _over_chain(table: Table) -> ColumnElement[bool]:
    """In the words of the indexes."""
    return and_(table.c.chain == bindparam("chain"), table.c.chain.is_not(None))


def _moved(table: Table) -> ColumnElement[bool]:
    return and_(_over_chain(table), table.c.updated_at >= bindparam("since", type_=UtcDateTime))


def _one_of(column: ColumnElement[str], name: str) -> ColumnElement[bool]:
    return column.in_(bindparam(name, expanding=True))


def _latest_move(table: Table) -> ColumnElement[str]:
    # To tell two moves apart they need not be made moments of, which takes as long as all the rest.
    return cast(table.c.updated_at, String)


# Most of these are asked with each block: to build them would take longer than what the database does.
_payments, _payouts, _kept = schema.payments, schema.payouts, schema.chain_transfers
_IS_OPEN = text(f"payments.{schema.OPEN}")  # in the words of the index, or it would not be used
_PAYMENTS_WAITING = union(
    *(
        select(_payments.c.payment_id).where(one)
        for one in (and_(_over_chain(_payments), _IS_OPEN), _moved(_payments))
    )
)
_PAYMENT_MOVES = select(
    func.aggregate_strings(_latest_move(_payments) + " " + _payments.c.payment_id, "\n")  # one row costs as one
).where(_moved(_payments))
_PAYMENTS_NAMED = select(_payments).where(_one_of(_payments.c.payment_id, "ids"))
# Each kind goes by an index of its own: all that a wallet was ever paid are many more.
_AT = and_(_payments.c.chain == bindparam("chain"), _one_of(_payments.c.recipient, "addresses"))
_PAYMENTS_AT = select(_payments).where(
    _payments.c.payment_id.in_(
        union(*(select(_payments.c.payment_id).where(_AT, one) for one in (_IS_OPEN, _moved(_payments))))
    )
)
_PAYOUTS_WAITING = union(
    *(
        select(_payouts.c.payout_id, _latest_move(_payouts)).where(one)
        for one in (
            and_(_payouts.c.chain == bindparam("chain"), text(f"payouts.{schema.UNDER_WAY}")),  # as above
            _moved(_payouts),
        )
    )
)
_PAYOUTS_TO = select(_payouts).where(
    _payouts.c.chain == bindparam("chain"),
    _one_of(_payouts.c.destination, "addresses"),
    or_(
        _payouts.c.status.in_(UNSETTLED_STATUSES),
        _payouts.c.updated_at >= bindparam("since", type_=UtcDateTime),
    ),
)
_TRANSFERS = (
    select(_kept).where(_kept.c.chain == bindparam("chain")).order_by(_kept.c.mined_at.desc(), _kept.c.transfer_id)
)
_TRANSFERS_OF = _TRANSFERS.where(_one_of(_kept.c.tx_hash, "tx_hashes"))
_TRANSFERS_SINCE = _TRANSFERS.where(_kept.c.block_number >= bindparam("block_number"))


class ChainNews(NamedTuple):
    """What came, or moved, over a chain."""

    told: str
    """The latest moves of all payments that were looked at, each a line: what to bring the next time."""
    payments: list[Payment]
    payouts: dict[str, str]
    """Those that are not settled, and those that moved, by their ids, each with its latest move."""


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


def payments_waiting(connection: Connection, chain: str, *, moved_since: datetime) -> list[str]:
    """Payments over a chain that money may come for, since they are open or moved since then, by their ids. Each kind
    goes by an index of its own: all that were ever paid over the chain are many more."""
    found = connection.scalars(_PAYMENTS_WAITING, {"chain": chain, "since": moved_since})
    return list(found)


def chain_news(connection: Connection, chain: str, *, since: datetime, told: str = "") -> ChainNews:
    """What came, or moved, over a chain since then, but for the payments whose moves were told before."""
    asked = {"chain": chain, "since": since}
    moves = connection.scalar(_PAYMENT_MOVES, asked) or ""
    ids = [] if moves == told else [_id_of(one) for one in set(moves.split("\n")) - set(told.split("\n")) if one]
    payments = [one for some in batched(sorted(ids), READ_AT_ONCE) for one in payments_named(connection, some)]
    return ChainNews(moves, payments, _payout_moves(connection, chain, since))


def payments_named(connection: Connection, payment_ids: Sequence[str]) -> list[Payment]:
    """Those of some payments that there are."""
    rows = connection.execute(_PAYMENTS_NAMED, {"ids": payment_ids})
    return readable(connection, payment_from_row, rows.mappings())


def waiting_at(
    connection: Connection, chain: str, addresses: Sequence[str], *, moved_since: datetime
) -> tuple[list[Payment], list[Payout]]:
    """The payments and payouts to some addresses that money may come for, all of each."""
    asked = {"chain": chain, "addresses": addresses, "since": moved_since}
    payments = connection.execute(_PAYMENTS_AT, asked)
    payouts = connection.execute(_PAYOUTS_TO, asked)
    return (
        readable(connection, payment_from_row, payments.mappings()),
        readable(connection, payout_from_row, payouts.mappings()),
    )


def payouts_waiting(connection: Connection, chain: str, *, moved_since: datetime) -> dict[str, str]:
    """Payouts over a chain that are not settled, or moved since then, by their ids, each with its latest move:
    another one whenever it moves again."""
    return _payout_moves(connection, chain, moved_since)


def payouts_named(connection: Connection, payout_ids: Sequence[str]) -> list[Payout]:
    """Those of some payouts that there are."""
    rows = connection.execute(select(schema.payouts).where(schema.payouts.c.payout_id.in_(payout_ids)))
    return readable(connection, payout_from_row, rows.mappings())


def chain_transfers(connection: Connection, chain: str, tx_hashes: Sequence[str]) -> list[StagedTransfer]:
    """The transfers of these transactions that were written down."""
    found: list[StagedTransfer] = []
    for asked_for in batched(tx_hashes, READ_AT_ONCE):
        found += _transfers(connection, _TRANSFERS_OF, {"chain": chain, "tx_hashes": asked_for})
    return found


def chain_transfers_since(connection: Connection, chain: str, block_number: int) -> list[StagedTransfer]:
    """The transfers of this block and of later ones."""
    return _transfers(connection, _TRANSFERS_SINCE, {"chain": chain, "block_number": block_number})


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


def _payout_moves(connection: Connection, chain: str, since: datetime) -> dict[str, str]:
    return dict(connection.execute(_PAYOUTS_WAITING, {"chain": chain, "since": since}).all())


def _id_of(move: str) -> str:
    return move.rpartition(" ")[2]


def _transfers(connection: Connection, found: Select[Any], asked: Mapping[str, Any]) -> list[StagedTransfer]:
    rows = connection.execute(found, asked)
    return [StagedTransfer(**{**row, "amount": Decimal(row["amount"])}) for row in rows.mappings()]
