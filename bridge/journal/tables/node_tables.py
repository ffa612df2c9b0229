"""The tables about bridges that share a journal: which there are, and what one of them does at a time."""

from sqlalchemy import Column, String, Table, Text

from bridge.journal.tables.column_types import UtcDateTime
from bridge.journal.tables.metadata import metadata

__all__ = ["leases", "nodes"]

nodes = Table(
    "nodes",
    metadata,
    Column("node", String(32), primary_key=True, comment="One process of a bridge"),
    Column("began_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False, comment="When it last said that it is there"),
    comment="The bridges that share the journal, and those that lately did",
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(64), primary_key=True, comment="What its node does"),
    Column("node", String(32), nullable=False, comment="The one that alone does it"),
    Column("expires_at", UtcDateTime, nullable=False, comment="When another may take it"),
    Column("said", Text, comment="How that goes, as its node said last, as JSON"),
    comment="What one bridge does at a time, of those that share the journal",
)
