"""The table about access: what is taken back of what tokens grant."""

from sqlalchemy import BigInteger, Column, String, Table, Text

from bridge.journal.tables.column_types import UtcDateTime
from bridge.journal.tables.metadata import metadata

__all__ = ["revocations"]

revocations = Table(
    "revocations",
    metadata,
    Column("kind", String(8), primary_key=True, comment="`user`: all tokens of one; `token`: one; `room`: of a user"),
    Column("name", String(200), primary_key=True, comment="The user's id, or the token's"),
    Column("room", String(300), primary_key=True, comment="Empty but for a room"),
    Column("revoked_at", UtcDateTime, nullable=False, comment="Tokens that were issued until then do not count"),
    Column("revoked_by", String(200), nullable=False),
    Column("note", Text, comment="Why"),
    Column("restored_at", UtcDateTime, comment="When it was given again; whoever was away then missed something"),
    Column("offset", BigInteger, comment="The event that says so; NULL if a bridge of before wrote it down"),
    comment="What is taken back of what tokens grant",
)
