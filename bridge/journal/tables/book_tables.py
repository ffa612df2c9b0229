"""The tables of the books: every change of what payments and payouts come to, and what wallets were found to hold."""

from sqlalchemy import Boolean, Column, Index, String, Table, Text

from bridge.journal.tables.column_types import RowId, UtcDateTime
from bridge.journal.tables.metadata import index_of, metadata

__all__ = ["NOT_ENTERED", "book_entries", "wallet_findings"]

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

wallet_findings = Table(
    "wallet_findings",
    metadata,
    Column("wallet", String(300), primary_key=True, comment="As in the entries"),
    Column("coin", String(64), primary_key=True),
    Column("found_at", UtcDateTime, primary_key=True),
    Column("booked", String(120), nullable=False, comment="What the entries came to by then"),
    Column("last_entry_id", RowId, nullable=False, comment="The last of those entries"),
    Column("finding", Text, nullable=False, comment="What was found and what follows from it, as JSON"),
    Column("differs", Boolean, nullable=False),
    comment="What wallets hold, as they were asked from day to day, beside the books",
)
