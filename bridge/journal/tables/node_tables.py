"""The tables about bridges that share a journal: which of them does what only one does at a time."""

from sqlalchemy import Column, String, Table

from bridge.journal.tables.column_types import UtcDateTime
from bridge.journal.tables.metadata import metadata

__all__ = ["leases"]

leases = Table(
    "leases",
    metadata,
    Column("name", String(64), primary_key=True, comment="What its holder does"),
    Column("holder", String(32), nullable=False, comment="The process that alone does it"),
    Column("expires_at", UtcDateTime, nullable=False, comment="When another may take it"),
    comment="What one bridge does at a time, of those that share the journal",
)
