"""The tables about endpoints: where events are sent, and how each delivery stands."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text

from bridge.journal.tables.column_types import UtcDateTime
from bridge.journal.tables.metadata import index_of, metadata

__all__ = ["endpoint_deliveries", "endpoints"]

endpoints = Table(
    "endpoints",
    metadata,
    Column("endpoint_id", String(64), primary_key=True),
    Column("url", Text, nullable=False),
    Column("events", Text, nullable=False, comment="Patterns of names, a JSON array"),
    Column("is_ordered", Boolean, nullable=False, comment="Whether nothing overtakes what was not taken"),
    Column("secrets", Text, nullable=False, comment="What is signed with and until when, a JSON array"),
    Column("service", String(64), comment="Whose it is; NULL: of staff, or of anybody"),
    Column("registered_by", String(200), nullable=False),
    Column("registered_at", UtcDateTime, nullable=False),
    Column("cursor", BigInteger, nullable=False, comment="All events up to here have been dealt with"),
    Column("version", BigInteger, nullable=False, comment="Raised by what somebody changes"),
    Column("failing_since", UtcDateTime),
    Column("taken_at", UtcDateTime, comment="When it took something last; NULL also where that is not written down"),
    Column("disabled_at", UtcDateTime),
    Column("disabled_by", String(200), comment="NULL: the bridge"),
    Column("disabled_because", Text),
    Column("missed", BigInteger, nullable=False, comment="How many events it will not get by itself"),
    Column("missed_at", UtcDateTime),
    Column("missed_because", Text),
    comment="Where services are sent events, and how far each is",
)

endpoint_deliveries = Table(
    "endpoint_deliveries",
    metadata,
    Column("endpoint_id", String(64), primary_key=True),
    Column("message_id", String(64), primary_key=True),
    Column("event", String(100), nullable=False),
    Column("offset", BigInteger, comment="NULL of a test"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("status", String(16), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("last_at", UtcDateTime),
    Column("next_at", UtcDateTime, comment="When it is tried; NULL: not any more"),
    Column("answer_status", Integer),
    Column("said", Text, nullable=False, comment="The beginning of the last answer, or why there was none"),
    Column("took_ms", Integer),
    Column("first_at", UtcDateTime, comment="When the first of its tries ended"),
    index_of(("endpoint_id", "next_at"), "next_at IS NOT NULL"),
    Index(None, "endpoint_id", "created_at"),
    Index(None, "created_at"),
    comment="What was sent to each endpoint, or is to be sent again",
)
