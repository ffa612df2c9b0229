"""The tables about what needs a person: what is remembered of each thing, what happened to it, and how it goes with
telling those who are to hear of it."""

from sqlalchemy import Boolean, Column, Integer, String, Table, Text

from bridge.journal.tables.column_types import RowId, UtcDateTime
from bridge.journal.tables.metadata import index_of, metadata

__all__ = ["UNSETTLED", "alert_destinations", "alert_steps", "alerts"]

UNSETTLED = "settled_at IS NULL"

alerts = Table(
    "alerts",
    metadata,
    Column("key", String(400), primary_key=True, comment="What it is called on the list"),
    Column("ended_at", UtcDateTime, comment="When it needed nobody any more", index=True),
    Column("settled_at", UtcDateTime, comment="When everybody knew so who had been told of it"),
    Column("content", Text, nullable=False, comment="All that is remembered of it, as JSON"),
    index_of(("key",), UNSETTLED, "ix_alerts_unsettled"),
    comment="What needs a person, and what did",
)

alert_steps = Table(
    "alert_steps",
    metadata,
    Column("step_id", RowId, primary_key=True),
    Column("key", String(400), nullable=False, index=True),
    Column("at", UtcDateTime, nullable=False),
    Column("by", String(200), nullable=False, comment="Who did it"),
    Column("what", String(32), nullable=False),
    Column("words", Text, nullable=False),
    comment="What happened to each of them: seen, told, assigned, snoozed, closed, ended",
)

alert_destinations = Table(
    "alert_destinations",
    metadata,
    Column("destination", String(400), primary_key=True, comment="A channel, and an address in it"),
    Column("last_told_at", UtcDateTime),
    Column("failures", Integer, nullable=False, comment="In a row"),
    Column("failing_since", UtcDateTime),
    Column("next_try_at", UtcDateTime),
    Column("problem", Text, comment="What went wrong last"),
    Column("is_undelivered", Boolean, nullable=False, comment="It has failed for so long that a person has to look"),
    Column(
        "in_doubt", Text, comment="What was sent last if it may have arrived, as JSON: it is sent again as it was"
    ),
    comment="How it goes with telling those who are to hear of what needs a person",
)
