"""The tables about bridges that share a journal: which there are, what one of them does at a time, and who is
online or types at each."""

from sqlalchemy import BigInteger, Boolean, Column, Index, String, Table, Text

from bridge.journal.tables.column_types import UtcDateTime
from bridge.journal.tables.metadata import metadata

__all__ = ["activities", "leases", "nodes"]

nodes = Table(
    "nodes",
    metadata,
    Column("node", String(32), primary_key=True, comment="One process of a bridge"),
    Column("began_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False, comment="When it last said that it is there"),
    Column("report", Text, comment="How it was doing then, as JSON"),
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

activities = Table(
    "activities",
    metadata,
    Column("node", String(32), primary_key=True, comment="Where somebody came, went or types"),
    Column("user_id", String(200), primary_key=True),
    Column("chat_id", String(200), primary_key=True, comment="Where the user types; empty for whether it is online"),
    Column("user_name", Text, comment="Of one who types"),
    Column("is_on", Boolean, nullable=False, comment="Whether the user is online, or types"),
    Column("at", UtcDateTime, nullable=False, comment="Since when; of one who is offline when it was seen last"),
    Column("change", BigInteger, nullable=False, comment="The place of the last change among all"),
    Column("said_at", UtcDateTime, comment="When that was written down; null where an older bridge wrote it"),
    Index(None, "change"),
    comment="Who is online and who types, at each of the bridges that share the journal",
)
