"""The tables of payments, and of what was seen of them."""

from sqlalchemy import Column, Index, String, Table, Text, UniqueConstraint

from bridge.journal.tables.book_tables import NOT_ENTERED
from bridge.journal.tables.column_types import RowId, UtcDateTime
from bridge.journal.tables.metadata import index_of, metadata

__all__ = [
    "ENDED",
    "OPEN",
    "checkout_requests",
    "checkout_sellers",
    "checkouts",
    "claims",
    "drafts",
    "due_look_ups",
    "invoice_addresses",
    "invoices",
    "observations",
    "payments",
]

OPEN = "status IN ('pending', 'confirming', 'partially_paid')"
"""Payments that wait for money."""
ENDED = "status IN ('expired', 'cancelled', 'failed', 'refunded')"
"""Payments that are over and not completed."""

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
    Column("entered_at", UtcDateTime, comment="Up to which update the books have it"),
    UniqueConstraint("provider", "external_id"),
    Index(None, "request_id"),
    index_of(("due_at",), "due_at IS NOT NULL"),
    Index("ix_payments_provider_status", "provider", "status", "payment_id"),
    index_of(("provider", "updated_at", "payment_id"), ENDED, "ix_payments_ended"),
    Index(None, "chain", "recipient"),
    index_of(("chain", "recipient", "status"), OPEN, "ix_payments_open_at"),
    index_of(("chain", "status"), f"chain IS NOT NULL AND {OPEN}", "ix_payments_waiting"),
    index_of(("chain", "recipient", "updated_at"), "chain IS NOT NULL", "ix_payments_moved_at"),
    index_of(("chain", "updated_at"), "chain IS NOT NULL"),
    index_of(("chain", "updated_at", "payment_id"), "chain IS NOT NULL", "ix_payments_chain_moves"),
    Index(None, "created_at", "payment_id"),
    index_of(("status", "created_at", "payment_id"), "payment_id <> ''", "ix_payments_status_made"),
    index_of(("provider", "created_at", "payment_id"), "payment_id <> ''", "ix_payments_provider_made"),
    index_of(("currency", "created_at", "payment_id"), "payment_id <> ''", "ix_payments_currency_made"),
    Index("ix_payments_seller", "seller_id", "created_at", "payment_id"),
    Index("ix_payments_buyer", "buyer_id", "created_at", "payment_id"),
    index_of(("completed_at",), "completed_at IS NOT NULL"),
    index_of(("problems_at", "payment_id"), "problems_at IS NOT NULL"),
    index_of(("updated_at",), NOT_ENTERED, "ix_payments_not_entered"),
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

checkout_sellers = Table(
    "checkout_sellers",
    metadata,
    Column("seller_id", String(200), primary_key=True),
    Column("created_at", UtcDateTime, primary_key=True),
    Column("payment_id", String(64), primary_key=True),
    comment="The sellers of template checkouts, but for the one that the payment itself names",
    sqlite_with_rowid=False,
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
    index_of(("wanted_at", "payment_id"), "opened IS NULL"),
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

due_look_ups = Table(
    "due_look_ups",
    metadata,
    Column("payment_id", String(64), primary_key=True),
    Column("provider", String(64), nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    comment="Payments whose provider is to be asked about them whenever they are due: what was told does not fit",
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
    index_of(("provider", "external_id"), "payment_id IS NULL"),
    index_of(("received_at",), "payment_id IS NULL", "ix_observations_kept"),
)
