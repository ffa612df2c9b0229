"""The tables of wallets: what came of comparing each with the books, what people noted that moved besides, and what
entries come to."""

from sqlalchemy import BigInteger, Column, Index, String, Table, Text

from bridge.journal.tables.column_types import RowId, UtcDateTime
from bridge.journal.tables.metadata import metadata

__all__ = ["wallet_comparisons", "wallet_movements", "wallet_sums"]

wallet_comparisons = Table(
    "wallet_comparisons",
    metadata,
    Column("wallet", String(300), primary_key=True, comment="As the books call it"),
    Column("coin", String(64), primary_key=True),
    Column("day", String(10), primary_key=True, comment="Of the time zone that is set; of a day the last is kept"),
    Column("compared_at", UtcDateTime, nullable=False),
    Column("content", Text, nullable=False, comment="What came of it, as JSON"),
    Index(None, "day"),
    comment="What wallets held, against what the books say",
)

wallet_movements = Table(
    "wallet_movements",
    metadata,
    Column("movement_id", RowId, primary_key=True),
    Column("noted_at", UtcDateTime, nullable=False),
    Column("noted_by", String(200), nullable=False),
    Column("wallet", String(300), nullable=False),
    Column("coin", String(64), nullable=False),
    Column("amount", String(120), nullable=False, comment="With a minus sign if it left the wallet"),
    Column("reason", Text, nullable=False),
    comment="Money that moved without the bridge: what is written here is never changed",
)

wallet_sums = Table(
    "wallet_sums",
    metadata,
    Column("wallet", String(300), primary_key=True),
    Column("coin", String(64), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("amount", String(120), nullable=False),
    Column("through_entry_id", BigInteger, nullable=False, comment="The last entry in it; of all rows the same"),
    comment="What the entries of wallets come to up to one of them, so that they are not all added up each time",
)
