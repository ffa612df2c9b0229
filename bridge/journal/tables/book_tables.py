"""The table of the books: every change of what payments and payouts come to."""

from sqlalchemy import Column, Index, String, Table

from bridge.journal.tables.column_types import RowId, UtcDateTime
from bridge.journal.tables.metadata import index_of, metadata

__all__ = ["NOT_ENTERED", "book_entries"]

NOT_ENTERED = "entered_at IS NULL OR entered_at <> updated_at"
"""Payments and payouts that moved where nobody entered it: at a bridge of before there were books."""

book_entries = Table(
    "book_entries",
    metadata,
    Column("entry_id", RowId, primary_key=True),
    Column("entered_at", UtcDateTime, nullable=False, comment="When it came about"),
    Column("kind", String(16), nullable=False),
    Column("unit", String(64), nullable=False, comment="The currency, or the coin"),
    Column("amount", String(120), nullable=False, comment="With a minus sign where it became less"),
    Column("payment_id", String(64), nullable=False),
    Column("seller_id", String(200), comment="Of what is a seller's"),
    Column("wallet", String(300), comment="The provider that keeps it, or the chain and the address; of coins"),
    Column("payout_id", String(64), comment="What carried it, of payouts"),
    Index(None, "entered_at"),
    index_of(("seller_id", "entered_at"), "seller_id IS NOT NULL"),
    Index(None, "payment_id"),
    comment="The books: what is written here is never changed",
)
