"""The tables, all of them; those of the journal itself are here. Migrations build them; nothing else of the program
names a column outside this package."""

from sqlalchemy import BigInteger, Boolean, Column, Index, LargeBinary, String, Table, Text, UniqueConstraint, false

from bridge.journal.tables.access_tables import revocations
from bridge.journal.tables.alert_tables import UNSETTLED, alert_destinations, alert_steps, alerts
from bridge.journal.tables.book_tables import NOT_ENTERED, book_entries
from bridge.journal.tables.chain_tables import chain_alarms, chain_checkpoints, chain_transfers
from bridge.journal.tables.column_types import RowId, UtcDateTime
from bridge.journal.tables.endpoint_tables import endpoint_deliveries, endpoints
from bridge.journal.tables.metadata import index_of, metadata, speak_postgresql
from bridge.journal.tables.node_tables import activities, leases, nodes
from bridge.journal.tables.payment_tables import (
    ENDED,
    OPEN,
    checkout_requests,
    checkout_sellers,
    checkouts,
    claims,
    drafts,
    due_look_ups,
    invoice_addresses,
    invoices,
    observations,
    payments,
)
from bridge.journal.tables.payout_tables import (
    AWAITING_ADDRESS,
    NETWORK_FEE_DUE,
    UNDER_WAY,
    allowed_destinations,
    destination_listings,
    forgotten_payouts,
    payout_holds,
    payout_names,
    payout_observations,
    payout_transactions,
    payouts,
    refunds,
    unusable_prices,
)
from bridge.journal.tables.unreadable_rows import unreadable_rows
from bridge.journal.tables.wallet_tables import wallet_comparisons, wallet_movements, wallet_sums

__all__ = [
    "AWAITING_ADDRESS",
    "COUNTED",
    "ENDED",
    "EVENT_COLUMNS",
    "NETWORK_FEE_DUE",
    "NOT_ENTERED",
    "OPEN",
    "UNDER_WAY",
    "UNSETTLED",
    "RowId",
    "UtcDateTime",
    "actions",
    "activities",
    "alert_destinations",
    "alert_steps",
    "alerts",
    "allowed_destinations",
    "book_entries",
    "chain_alarms",
    "chain_checkpoints",
    "chain_transfers",
    "checkout_requests",
    "checkout_sellers",
    "checkouts",
    "claims",
    "destination_listings",
    "drafts",
    "due_look_ups",
    "endpoint_deliveries",
    "endpoints",
    "events",
    "forgotten_counts",
    "forgotten_payouts",
    "histories",
    "idempotency_keys",
    "invoice_addresses",
    "invoices",
    "journal",
    "leases",
    "metadata",
    "nodes",
    "observations",
    "payments",
    "payout_holds",
    "payout_names",
    "payout_observations",
    "payout_transactions",
    "payouts",
    "refunds",
    "revocations",
    "room_events",
    "sessions",
    "speak_postgresql",
    "unreadable_rows",
    "unreadable_webhooks",
    "unusable_prices",
    "wallet_comparisons",
    "wallet_movements",
    "wallet_sums",
]

journal = Table(
    "journal",
    metadata,
    Column("epoch", String(32), primary_key=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("secret", String(64), comment="Signs the proofs of sessions"),
    Column("ground", Text, comment="What it was written on, as JSON"),
    Column("writer", String(16), comment="The bridge that opened it last; no other writes to it"),
    Column("proven_at", UtcDateTime, comment="When the bridge last proved that it can write"),
    Column("commits", BigInteger, nullable=False, server_default="0", comment="How many changed something"),
    Column("oldest_beside", String(32), comment="The oldest version of the schema whose bridges may use this one"),
    Column("installation", String(32), comment="In the names of its payouts at providers, and in all its backups"),
    Column("plain_names", Boolean, comment="Whether payouts may have been asked for by names without it"),
    Column("lately_moved", Text, comment="Where bridges share it, which payments the last commits moved, as JSON"),
    comment="One row: which journal this is. A replaced or restored database has another epoch.",
)

histories = Table(
    "histories",
    metadata,
    Column("epoch", String(32), primary_key=True),
    Column("began_at", UtcDateTime, nullable=False),
    Column("beginning", String(32), nullable=False, comment="How it came about"),
    Column("evidence", Text, nullable=False, comment="What shows that, a JSON array"),
    Column("last_commit_at", UtcDateTime, comment="Of the journal as it was found: later things may be missing"),
    Column("comparison", Text, comment="How the books were found to stand, as JSON"),
    Column("compared_at", UtcDateTime, comment="When they were compared to the end"),
    Column("marked_epoch", String(32), comment="Of the mark that was found when it began"),
    Column("missing_decisions", BigInteger, comment="Of people, as its mark showed; empty if not known"),
    comment="Each epoch that the journal has had, the present one among them",
)

COUNTED = "name IN ('new-notification', 'unread-count-update')"
"""The events of which it is asked how many a room heard, or which was the last; each goes to one room."""

events = Table(
    "events",
    metadata,
    Column("offset", RowId, primary_key=True, autoincrement=False),
    Column("name", String(100), nullable=False),
    Column("everyone", Boolean, nullable=False),
    Column("rooms", Text, nullable=False, comment="A JSON array of room names"),
    Column("payload", Text, nullable=False, comment="The event's payload as JSON"),
    Column("payment_id", String(64)),
    Column("committed_at", UtcDateTime, nullable=False),
    Column("subject", String(200), comment="The purchase request or message that it tells about"),
    Column("traceparent", String(55), comment="The trace that it belongs to, as W3C Trace Context has it"),
    Index(None, "payment_id"),
    Index(None, "subject"),
    index_of(("rooms", "name", "offset"), COUNTED, "ix_events_counted"),
    comment="The ordered, durable list of events. Offsets have no gaps.",
)
EVENT_COLUMNS = tuple(
    events.c[name]
    for name in ("offset", "name", "everyone", "rooms", "payload", "subject", "committed_at", "traceparent")
)
"""Of an event, what says all of it, in the order in which `events_from_rows` takes it."""

room_events = Table(
    "room_events",
    metadata,
    Column("room", String(300), primary_key=True),
    Column("last_offset", RowId, primary_key=True, autoincrement=False),
    Column("offsets", Text, nullable=False, comment="A JSON array, in order; the last is `last_offset`"),
    comment="Which events a room heard of one commit; those for everyone stand under the room without a name",
    sqlite_with_rowid=False,
)

forgotten_counts = Table(
    "forgotten_counts",
    metadata,
    Column("room", String(300), primary_key=True),
    Column("name", String(100), primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("last_payload", Text, nullable=False, comment="Of the last of them, as JSON"),
    comment="Of the events that are counted, how many were forgotten",
)

sessions = Table(
    "sessions",
    metadata,
    Column("session_id", String(64), primary_key=True),
    Column("content", Text, nullable=False, comment="The client's rooms, as JSON"),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("is_idle", Boolean, nullable=False, server_default=false(), comment="Nothing is kept by it"),
    Column("node", String(32), comment="The bridge that has it, where several share the journal"),
    Column("is_connected", Boolean, comment="Whether its client is connected there; NULL: perhaps"),
    Column(
        "exchanges", Text, comment="When it was taken from a bridge where it was, lately: seconds since 1970, as JSON"
    ),
    Index(None, "updated_at"),
)

unreadable_webhooks = Table(
    "unreadable_webhooks",
    metadata,
    Column("webhook_id", RowId, primary_key=True),
    Column("provider", String(64), nullable=False),
    Column("digest", String(64), nullable=False, comment="SHA-256 of the body, so that retries are kept once"),
    Column("body", LargeBinary, nullable=False),
    Column("reason", Text, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("read_at", UtcDateTime, comment="When it was read after all"),
    UniqueConstraint("provider", "digest"),
    Index(None, "received_at"),
    comment="Webhooks with a good signature and a body that makes no sense, for a person to look at.",
)

actions = Table(
    "actions",
    metadata,
    Column("action_id", RowId, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("by", String(200), nullable=False, comment="Who did it"),
    Column("action", String(32), nullable=False),
    Column("subject", String(200), nullable=False, comment="The webhook or payout that it was done to"),
    Column("concerns", String(64), comment="The payment or payout whose past it belongs to"),
    Column("outcome", Text, nullable=False),
    Index(None, "concerns"),
    comment="What people did in the console.",
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("scope", String(64), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("request_digest", String(64), nullable=False),
    Column("result", Text, nullable=False, comment="What the request made, as JSON"),
    Column("created_at", UtcDateTime, nullable=False),
    Index(None, "created_at"),
)
