"""The chains' part of a batch: how far each is followed, what was paid on it, and what went wrong."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, or_, select

from bridge.journal.tables import schema
from bridge.journal.writing.statements import Row, Writing, insert_into
from coordinator.money import format_amount

__all__ = ["StagedChains", "StagedTransfer"]

_CHECKPOINT, _TRANSFERS = schema.chain_checkpoints, schema.chain_transfers
_TRANSFER_KEY = ("chain", "transfer_id", "symbol", "recipient")
_FOLLOWING = select(_CHECKPOINT.c.following).where(_CHECKPOINT.c.chain == bindparam("by_chain"))
_FORGET_CHECKPOINT = delete(_CHECKPOINT).where(_CHECKPOINT.c.chain == bindparam("by_chain"))
_FORGET_TRANSFER = delete(_TRANSFERS).where(
    and_(*(_TRANSFERS.c[name] == bindparam(f"by_{name}") for name in _TRANSFER_KEY))
)
# A transaction is in one block: what was written down of it in another one, or without saying in which, is over.
_FORGET_ELSEWHERE = delete(_TRANSFERS).where(
    and_(
        *(_TRANSFERS.c[name] == bindparam(f"by_{name}") for name in ("chain", "tx_hash", "symbol", "recipient")),
        or_(_TRANSFERS.c.block_hash.is_(None), _TRANSFERS.c.block_hash != bindparam("by_block_hash")),
    )
)
_FORGET_DISOWNED = delete(_TRANSFERS).where(
    and_(*(_TRANSFERS.c[name] == bindparam(f"by_{name}") for name in ("chain", "transfer_id")))
)
_ALARMS = schema.chain_alarms
_ALARM_KEY = ("chain", "kind", "block_number")
_FORGET_ALARM = delete(_ALARMS).where(and_(*(_ALARMS.c[name] == bindparam(f"by_{name}") for name in _ALARM_KEY)))


@dataclass(frozen=True, slots=True)
class StagedTransfer:
    """A transfer on a chain to somebody who waits for money, and what it is for as far as that is known."""

    chain: str
    transfer_id: str
    symbol: str
    recipient: str
    sender: str
    amount: Decimal
    tx_hash: str
    block_number: int
    block_hash: str | None
    """None where a bridge wrote it that did not keep it."""
    mined_at: datetime
    payment_id: str | None = None
    payout_id: str | None = None
    reason: str | None = None
    """Why it is not known what it is for."""

    @property
    def place(self) -> str:
        """Which of its transaction's transfers it is: the log index of a token's, or the call of the own coin's."""
        return self.transfer_id.partition("@")[0].removeprefix(f"{self.tx_hash}#")


class StagedChains:
    """Reads and staged writes about chains, within one transaction. Only the follower of a chain writes about it, one
    step after the other."""

    def __init__(self, connection: Connection, *, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._checkpoints: dict[str, dict[str, Any]] = {}
        self._transfers: dict[tuple[str, ...], dict[str, Any]] = {}
        self._forgotten: list[tuple[str, str]] = []
        self._alarms: dict[tuple[Any, ...], dict[str, Any]] = {}
        self._over: dict[tuple[str, str, int], None] = {}
        """What is wrong no more, by what names alarms."""
        self.writes = 0
        """How many changes are staged."""

    def following(self, chain: str) -> str | None:
        """Where a chain is followed to, with everything staged so far; None if it never was."""
        staged = self._checkpoints.get(chain)
        if staged is not None:
            return str(staged["following"])
        following: str | None = self._connection.scalar(_FOLLOWING, {"by_chain": chain})
        return following

    def checkpoint(self, chain: str, following: str) -> None:
        self.writes += 1
        self._checkpoints[chain] = {"chain": chain, "following": following, "updated_at": self._now}

    def transfer(self, transfer: StagedTransfer) -> None:
        """Writes a transfer down, or what it turned out to be for."""
        self.writes += 1
        row = asdict(transfer) | {"amount": format_amount(transfer.amount)}
        self._transfers[tuple(row[name] for name in _TRANSFER_KEY)] = row

    def forget(self, chain: str, transfer_id: str) -> None:
        """Has a transfer not known any more that was written down."""
        self.writes += 1
        self._forgotten.append((chain, transfer_id))

    def alarm(self, chain: str, kind: str, block_number: int, message: str) -> None:
        """Writes down what is wrong with a block; what was said of the same before makes way."""
        self.writes += 1
        row = {"chain": chain, "kind": kind, "block_number": block_number, "message": message, "raised_at": self._now}
        self._over.pop((chain, kind, block_number), None)
        self._alarms[tuple(row[name] for name in _ALARM_KEY)] = row

    def forget_alarm(self, chain: str, kind: str, block_number: int) -> None:
        """Has nothing wrong with a block any more."""
        self.writes += 1
        self._alarms.pop((chain, kind, block_number), None)
        self._over[chain, kind, block_number] = None

    def statements(self) -> Sequence[tuple[Writing, list[Row]]]:
        """What is staged. A row that was there before makes way for its successor."""
        transfers, alarms = list(self._transfers.values()), list(self._alarms.values())
        elsewhere = ("chain", "tx_hash", "symbol", "recipient", "block_hash")
        return [
            (_FORGET_CHECKPOINT, [{"by_chain": chain} for chain in self._checkpoints]),
            (insert_into(_CHECKPOINT), list(self._checkpoints.values())),
            (_FORGET_DISOWNED, [{"by_chain": chain, "by_transfer_id": name} for chain, name in self._forgotten]),
            (_FORGET_TRANSFER, [{f"by_{name}": row[name] for name in _TRANSFER_KEY} for row in transfers]),
            (_FORGET_ELSEWHERE, [{f"by_{name}": row[name] for name in elsewhere} for row in transfers]),
            (insert_into(_TRANSFERS), transfers),
            (_FORGET_ALARM, [_by_alarm_key(tuple(row[name] for name in _ALARM_KEY)) for row in alarms]),
            (_FORGET_ALARM, [_by_alarm_key(key) for key in self._over]),
            (insert_into(_ALARMS), alarms),
        ]


def _by_alarm_key(key: tuple[Any, ...]) -> Row:
    return {f"by_{name}": value for name, value in zip(_ALARM_KEY, key, strict=True)}
