"""The tables. Migrations build them; nothing else of the program names a column outside this package."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from bridge.journal.tables.column_types import RowId, UtcDateTime

__all__ = [
    "AWAITING_ADDRESS",
    "ENDED",
    "RowId",
    "UtcDateTime",
    "actions",
    "allowed_destinations",
    "chain_alarms",
    "chain_checkpoints",
    "chain_transfers",
    "checkout_requests",
    "checkouts",
    "claims",
    "drafts",
    "events",
    "forgotten_payouts",
    "histories",
    "idempotency_keys",
    "invoice_addresses",
    "invoices",
    "journal",
    "metadata",
    "observations",
    "payments",
    "payout_holds",
    "payout_names",
    "payout_observations",
    "payouts",
    "refunds",
    "room_events",
    "sessions",
    "speak_postgresql",
    "unreadable_webhooks",
]


def _index_of(columns: tuple[str, ...], those: str, name: str | None = None) -> Index:
    """An index of some rows: the others are never looked for by it, and have no part of it to be written."""
    return Index(name, *columns, sqlite_where=text(those))


ENDED = "status IN ('expired', 'cancelled', 'failed', 'refunded')"
"""Payments that are over and not completed."""
AWAITING_ADDRESS = "status = 'awaiting_address'"
"""Refunds whose buyers have not said where they go."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def speak_postgresql() -> None:
    """Gives the tables what only PostgreSQL needs to be told. SQLAlchemy imports a whole dialect as soon as an index
    names it, so that this is left to those who use it."""
    for table in metadata.tables.values():
        for index in table.indexes:
            if (those := index.dialect_kwargs.get("sqlite_where")) is not None:
                index.dialect_kwargs["postgresql_where"] = those


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
    comment="Each epoch that the journal has had, the present one among them",
)

forgotten_payouts = Table(
    "forgotten_payouts",
    metadata,
    Column("external_id", String(64), primary_key=True, comment="Its name at the provider"),
    Column("provider", String(64), nullable=False),
    Column("payment_id", String(64), nullable=False),
    Column("payee_id", String(200), nullable=False, comment="The seller, or the buyer of what was refunded"),
    Column("coin", String(64), primary_key=True, comment="A name may stand in the books of several"),
    Column("said", Text, nullable=False, comment="What the provider says of it, as JSON"),
    Column("found_at", UtcDateTime, nullable=False),
    Index(None, "payment_id"),
    comment="Payouts that a provider has in its books, and a journal that was restored had not",
)

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
    Index(None, "payment_id"),
    Index(None, "subject"),
    comment="The ordered, durable list of events. Offsets have no gaps.",
)

room_events = Table(
    "room_events",
    metadata,
    Column("room", String(300), primary_key=True),
    Column("last_offset", RowId, primary_key=True, autoincrement=False),
    Column("offsets", Text, nullable=False, comment="A JSON array, in order; the last is `last_offset`"),
    comment="Which events a room heard of one commit; those for everyone stand under the room without a name",
    sqlite_with_rowid=False,
)

payments = Table(
    "payments",
    metadata,
    Column("payment_id", String(64), primary_key=True),
    Column("provider", String(64), nullable=False),
    Column("external_id", String(200), nullable=False),
    Column("request_id", String(200), nullable=False),
    Column("buyer_id", String(200), nullable=False),
    Column("seller_id", String(200), nullable=False),
    Column("offer_id", String(200)),
    Column("amount", String(120), nullable=False),
    Column("currency", String(32), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("facts", Text, nullable=False, comment="All that was seen of the payment, as JSON"),
    Column("status", String(32), nullable=False, comment="Read off the facts, for searching"),
    Column("escrow_state", String(32), nullable=False, comment="Read off the facts, for searching"),
    Column("due_at", UtcDateTime, comment="When the deadline is to be applied; empty once it was"),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("checkout", Text, comment="The template checkout, as JSON, if it pays one"),
    Column("direct", Text, comment="Where to pay, as JSON, if it goes over a chain to a wallet"),
    Column("return_url", Text, comment="Where the buyer goes back to from the payment's page"),
    Column("chain", String(64), comment="Of `direct`, for searching"),
    Column("recipient", String(200), comment="Of `direct`, for searching"),
    Column("completed_at", UtcDateTime, comment="When it was first known to be completed"),
    Column("search_text", Text, nullable=False, comment="Its ids and transactions in lower case, one a line"),
    Column("terms", Text, nullable=False, comment="How strictly it is taken, as JSON"),
    Column("problems", Text, comment="The kinds of what is wrong with it, with blanks between; empty if nothing is"),
    Column("problems_at", UtcDateTime, comment="When there was news of them last"),
    UniqueConstraint("provider", "external_id"),
    Index(None, "request_id"),
    _index_of(("due_at",), "due_at IS NOT NULL"),
    Index("ix_payments_provider_status", "provider", "status", "payment_id"),
    _index_of(("provider", "updated_at", "payment_id"), ENDED, "ix_payments_ended"),
    Index(None, "chain", "recipient"),
    Index(None, "created_at", "payment_id"),
    _index_of(("completed_at",), "completed_at IS NOT NULL"),
    _index_of(("problems_at", "payment_id"), "problems_at IS NOT NULL"),
)

checkouts = Table(
    "checkouts",
    metadata,
    Column("checkout_id", String(200), primary_key=True),
    Column("payment_id", String(64), nullable=False),
)

checkout_requests = Table(
    "checkout_requests",
    metadata,
    Column("request_id", String(200), primary_key=True),
    Column("payment_id", String(64), primary_key=True),
)

invoices = Table(
    "invoices",
    metadata,
    Column("payment_id", String(64), primary_key=True),
    Column("coin", String(64), primary_key=True),
    Column("wanted", Text, nullable=False, comment="What the provider is asked for, as JSON"),
    Column("wanted_at", UtcDateTime, nullable=False, comment="The one wanted last is the one to pay"),
    Column("opened", Text, comment="What the provider answered, as JSON; empty until it did"),
    Column("refused", Text, comment="Why the provider did not open it when it was asked last, if it was the invoice"),
    _index_of(("wanted_at", "payment_id"), "opened IS NULL"),
)

drafts = Table(
    "drafts",
    metadata,
    Column("payment_id", String(64), primary_key=True),
    Column("payment", Text, nullable=False, comment="The payment as it is to be registered, as JSON"),
    Column("wanted", Text, nullable=False, comment="What its provider is asked for, as JSON"),
    Column("scope", String(64), comment="This and the next two: of the idempotency key that came with it"),
    Column("key", String(200)),
    Column("request_digest", String(64)),
    Column("checkout_id", String(200), comment="The template checkout that it pays"),
    Column("created_at", UtcDateTime, nullable=False),
    comment="Payments that are wanted and whose provider has not answered yet; next to none at any time",
)

invoice_addresses = Table(
    "invoice_addresses",
    metadata,
    Column("payment_id", String(64), primary_key=True),
    Column("coin", String(64), primary_key=True),
    Column("address", Text, primary_key=True),
    Column("given_at", UtcDateTime, nullable=False),
    comment="Every address that a provider ever gave for a payment; money to an old one is the payment's too",
)

claims = Table(
    "claims",
    metadata,
    Column("claim", Text, primary_key=True),
    Column("payment_id", String(64), nullable=False),
    Column("claimed_at", UtcDateTime, nullable=False),
    comment="What can be only one payment's, and whose it was first: an address, or money that came to one",
    sqlite_with_rowid=False,
)

observations = Table(
    "observations",
    metadata,
    Column("observation_id", RowId, primary_key=True),
    Column("provider", String(64), nullable=False),
    Column("key", String(128), nullable=False, comment="Equal for two deliveries of one message"),
    Column("external_id", String(200), nullable=False),
    Column("payment_id", String(64), comment="Empty while no such payment is registered"),
    Column("observation", Text, nullable=False, comment="What was seen, as JSON"),
    Column("effect", String(32), comment="What it did to the payment"),
    Column("status", String(32), comment="The payment's status after it"),
    Column("escrow_state", String(32), comment="The payment's escrow state after it"),
    Column("received", String(120), comment="What the payment had received after it"),
    Column("received_at", UtcDateTime, nullable=False),
    UniqueConstraint("provider", "key"),
    Index(None, "payment_id"),
    _index_of(("provider", "external_id"), "payment_id IS NULL"),
    _index_of(("received_at",), "payment_id IS NULL", "ix_observations_kept"),
)

payouts = Table(
    "payouts",
    metadata,
    Column("payout_id", String(64), primary_key=True),
    Column("provider", String(64), nullable=False),
    Column("payment_id", String(64), nullable=False),
    Column("seller_id", String(200), nullable=False),
    Column("destination", String(1000), nullable=False, comment="Of Lightning a whole invoice"),
    Column("coin", String(64), nullable=False),
    Column("amount", String(120), nullable=False),
    Column("fee", String(120), comment="For the network, where the sender sets it"),
    Column("worth", String(120), comment="What the amount counts for in the payment's currency"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("facts", Text, nullable=False, comment="All that is known of the payout, as JSON"),
    Column("status", String(32), nullable=False, comment="Read off the facts, for searching"),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("batch_id", String(64), comment="Equal for payouts that may be sent in one question"),
    Column("chain", String(64), comment="On which it is followed to its end"),
    Column("sender", String(200), comment="The wallet that sends it"),
    Column("completed_at", UtcDateTime, comment="When it was first known to be completed"),
    Column("search_text", Text, nullable=False, comment="Its ids and transactions in lower case, one a line"),
    Column("ended_in_doubt", Boolean, nullable=False, comment="It ended in a way that a person should look at"),
    Column("refund_id", String(64), comment="The refund that it carries, if it goes to a buyer"),
    Column("buyer_id", String(200), comment="The buyer whom it pays then"),
    Column("worth_currency", String(32), comment="The payment's currency, of `worth`"),
    Column("asked_by", String(200), comment="Who wanted it sent: a person, or the service where none was named"),
    Column("asked_through", String(200), comment="The service that asked for it"),
    Column("cleared_at", UtcDateTime, comment="Since when it may be sent; empty while it awaits approval"),
    Index(None, "payment_id"),
    Index(None, "status", "created_at"),
    Index(None, "chain", "destination"),
    Index(None, "created_at", "payout_id"),
    Index(None, "completed_at"),
    Index(None, "seller_id", "created_at"),
    Index(None, "worth_currency", "cleared_at"),
    _index_of(("sender",), "sender IS NOT NULL"),
)

payout_names = Table(
    "payout_names",
    metadata,
    Column("external_id", String(64), primary_key=True),
    Column("payout_id", String(64), primary_key=True),
    comment="What providers were asked for payouts by; of several by one name all but the last ended without it",
)

allowed_destinations = Table(
    "allowed_destinations",
    metadata,
    Column("seller_id", String(200), primary_key=True),
    Column("destination", String(200), primary_key=True),
    Column("coin", String(64), nullable=False, comment="In which it was checked"),
    Column("added_at", UtcDateTime, nullable=False),
    Column("added_by", String(200), nullable=False),
    comment="Where sellers may be paid without a second person, where that is asked for",
)

refunds = Table(
    "refunds",
    metadata,
    Column("refund_id", String(64), primary_key=True),
    Column("payment_id", String(64), nullable=False),
    Column("provider", String(64), nullable=False),
    Column("buyer_id", String(200), nullable=False),
    Column("seller_id", String(200), comment="Out of whose share it is; empty if out of nobody's"),
    Column("of", String(32), nullable=False, comment="The goods, or what came too much"),
    Column("amount", String(120), nullable=False),
    Column("currency", String(32), nullable=False),
    Column("coin", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("opened_by", String(200), nullable=False),
    Column("opened_through", String(200), comment="The service that opened it"),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("cancelled_by", String(200), comment="Who withdrew it"),
    Column("payout_id", String(64), comment="What carries it, since the buyer said where to send it"),
    Column("destination", String(1000)),
    Column("coin_amount", String(120), comment="What it came to in the coin when the address was given"),
    Column("given_by", String(200), comment="Who gave the address"),
    Column("given_at", UtcDateTime),
    Column("payout_status", String(32)),
    Column("tx_hash", String(200)),
    Column("status", String(32), nullable=False, comment="Read off the others, for searching"),
    Column("updated_at", UtcDateTime, nullable=False),
    Index(None, "payment_id"),
    _index_of(("opened_at",), AWAITING_ADDRESS, "ix_refunds_awaiting_address"),
    comment="Orders to send money of a payment back to its buyer",
)

payout_holds = Table(
    "payout_holds",
    metadata,
    Column("hold_id", RowId, primary_key=True),
    Column("held_at", UtcDateTime, nullable=False),
    Column("held_by", String(200), nullable=False),
    Column("note", Text, comment="Why"),
    Column("epoch", String(32), comment="The history whose books are to be compared; empty if somebody holds them"),
    comment="At most one row: while it is there no payout is sent",
)

payout_observations = Table(
    "payout_observations",
    metadata,
    Column("observation_id", RowId, primary_key=True),
    Column("payout_id", String(64), nullable=False),
    Column("key", String(128), nullable=False, comment="Equal for two deliveries of one message"),
    Column("observation", Text, nullable=False, comment="What was observed, as JSON"),
    Column("effect", String(32), nullable=False, comment="What it did to the payout"),
    Column("status", String(32), nullable=False, comment="The payout's status after it"),
    Column("received_at", UtcDateTime, nullable=False),
    UniqueConstraint("payout_id", "key"),
)

chain_checkpoints = Table(
    "chain_checkpoints",
    metadata,
    Column("chain", String(64), primary_key=True),
    Column("following", Text, nullable=False, comment="Where the chain is followed to, as JSON"),
    Column("updated_at", UtcDateTime, nullable=False),
)

chain_transfers = Table(
    "chain_transfers",
    metadata,
    Column("chain", String(64), primary_key=True),
    Column("transfer_id", String(200), primary_key=True),
    Column("symbol", String(64), primary_key=True),
    Column("recipient", String(200), primary_key=True),
    Column("sender", String(200), nullable=False),
    Column("amount", String(120), nullable=False, comment="Of the token"),
    Column("tx_hash", String(100), nullable=False),
    Column("block_number", BigInteger, nullable=False),
    Column("block_hash", String(100), comment="Null where a bridge wrote it that did not keep it"),
    Column("mined_at", UtcDateTime, nullable=False),
    Column("payment_id", String(64), comment="The payment that it pays"),
    Column("payout_id", String(64), comment="The payout that it carries"),
    Column("reason", Text, comment="Why it is not known what it is for"),
    Index(None, "chain", "block_number"),
    Index(None, "chain", "tx_hash"),
)

chain_alarms = Table(
    "chain_alarms",
    metadata,
    Column("alarm_id", RowId, primary_key=True),
    Column("chain", String(64), nullable=False),
    Column("kind", String(32), nullable=False, comment="What is wrong with the block"),
    Column("block_number", BigInteger, nullable=False),
    Column("message", Text, nullable=False),
    Column("raised_at", UtcDateTime, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("session_id", String(64), primary_key=True),
    Column("content", Text, nullable=False, comment="The client's rooms, as JSON"),
    Column("updated_at", UtcDateTime, nullable=False),
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
