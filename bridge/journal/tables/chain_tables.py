"""The tables of the chains that are followed."""

from sqlalchemy import BigInteger, Column, Index, String, Table, Text

from bridge.journal.tables.column_types import RowId, UtcDateTime
from bridge.journal.tables.metadata import metadata

__all__ = [
    "chain_alarms",
    "chain_checkpoints",
    "chain_transfers",
]

chain_checkpoints = Table(
    "chain_checkpoints",
    metadata,
    Column("chain", String(64), primary_key=True),
    Column("following", Text, nullable=False, comment="Where the chain is followed to, as JSON"),
    Column("updated_at", UtcDateTime, nullable=False),
)

chain_transfers = Table(
    "chain_transfers",
    metadata,
    Column("chain", String(64), primary_key=True),
    Column("transfer_id", String(200), primary_key=True),
    Column("symbol", String(64), primary_key=True),
    Column("recipient", String(200), primary_key=True),
    Column("sender", String(200), nullable=False),
    Column("amount", String(120), nullable=False, comment="Of the token"),
    Column("tx_hash", String(100), nullable=False),
    Column("block_number", BigInteger, nullable=False),
    Column("block_hash", String(100), comment="Null where a bridge wrote it that did not keep it"),
    Column("mined_at", UtcDateTime, nullable=False),
    Column("payment_id", String(64), comment="The payment that it pays"),
    Column("payout_id", String(64), comment="The payout that it carries"),
    Column("reason", Text, comment="Why it is not known what it is for"),
    Index(None, "chain", "block_number"),
    Index(None, "chain", "tx_hash"),
)

chain_alarms = Table(
    "chain_alarms",
    metadata,
    Column("alarm_id", RowId, primary_key=True),
    Column("chain", String(64), nullable=False),
    Column("kind", String(32), nullable=False, comment="What is wrong with the block"),
    Column("block_number", BigInteger, nullable=False),
    Column("message", Text, nullable=False),
    Column("raised_at", UtcDateTime, nullable=False),
)
