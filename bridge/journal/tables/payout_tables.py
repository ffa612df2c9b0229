"""The tables of money that goes out: payouts and refunds, and what holds them."""

from sqlalchemy import Boolean, Column, Index, String, Table, Text, UniqueConstraint

from bridge.journal.tables.book_tables import NOT_ENTERED
from bridge.journal.tables.column_types import RowId, UtcDateTime
from bridge.journal.tables.metadata import index_of, metadata

__all__ = [
    "AWAITING_ADDRESS",
    "ENDED_IN_DOUBT",
    "NETWORK_FEE_DUE",
    "UNDER_WAY",
    "allowed_destinations",
    "destination_listings",
    "forgotten_payouts",
    "payout_holds",
    "payout_names",
    "payout_observations",
    "payout_transactions",
    "payouts",
    "refunds",
    "unusable_prices",
]

ENDED_IN_DOUBT = "ended_in_doubt IS TRUE"
"""Payouts that ended in a way that a person should look at."""
AWAITING_ADDRESS = "status = 'awaiting_address'"
"""Refunds whose buyers have not said where they go."""
NETWORK_FEE_DUE = "network_fee_due IS NOT NULL"
"""Payouts of which it is to be found out what the network took."""
UNDER_WAY = (
    "status IN ('awaiting_approval', 'created', 'ambiguous', 'broadcast', 'confirming', 'mismatch', 'dropped')"
)
"""Payouts that something is still to be found out about."""

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
    Column("overdue_at", UtcDateTime, comment="From when on it takes too long; empty while it awaits approval"),
    Column("entered_at", UtcDateTime, comment="Up to which update the books have it"),
    Column("network_fee_due", Boolean, comment="Set while it is to be found out what the network took for it"),
    Index(None, "payment_id"),
    Index(None, "status", "created_at"),
    Index(None, "chain", "destination"),
    Index(None, "created_at", "payout_id"),
    index_of(("provider", "created_at", "payout_id"), "payout_id <> ''", "ix_payouts_provider_made"),
    index_of(("coin", "created_at", "payout_id"), "payout_id <> ''", "ix_payouts_coin_made"),
    index_of(("created_at",), ENDED_IN_DOUBT, "ix_payouts_ended_in_doubt"),
    Index(None, "completed_at"),
    Index(None, "seller_id", "created_at"),
    Index(None, "worth_currency", "cleared_at"),
    index_of(("sender",), "sender IS NOT NULL"),
    index_of(("chain", "status"), UNDER_WAY, "ix_payouts_under_way"),
    index_of(("chain", "updated_at"), "chain IS NOT NULL"),
    index_of(("payout_id",), NETWORK_FEE_DUE, "ix_payouts_network_fee_due"),
    index_of(("updated_at",), NOT_ENTERED, "ix_payouts_not_entered"),
)

payout_names = Table(
    "payout_names",
    metadata,
    Column("external_id", String(64), primary_key=True),
    Column("payout_id", String(64), primary_key=True),
    comment="What providers were asked for payouts by; of several by one name all but the last ended without it",
)

payout_transactions = Table(
    "payout_transactions",
    metadata,
    Column(
        "tx_key", String(600), primary_key=True, comment="A hash, as all can agree on it; of Lightning a payment's"
    ),
    Column("payout_id", String(64), primary_key=True),
    comment="Transactions that carried payouts or brought them back, and payments of Lightning that are to",
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

payout_holds = Table(
    "payout_holds",
    metadata,
    Column("hold_id", RowId, primary_key=True),
    Column("held_at", UtcDateTime, nullable=False),
    Column("held_by", String(200), nullable=False),
    Column("note", Text, comment="Why"),
    Column("epoch", String(32), comment="The history whose books are to be compared; empty if somebody holds them"),
    Column("public_id", String(40), comment="No other hold ever has it; empty if an earlier version wrote the row"),
    Column("service", String(200), comment="That placed it; empty if a person did, or the bridge"),
    comment="Who holds payouts: while a row is there none is sent",
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

destination_listings = Table(
    "destination_listings",
    metadata,
    Column("seller_id", String(200), primary_key=True),
    Column("destination", String(200), primary_key=True),
    Column("listed_by", String(200), primary_key=True),
    comment="Who ever put a destination on a list, a person or a service",
)

unusable_prices = Table(
    "unusable_prices",
    metadata,
    Column("provider", String(64), primary_key=True),
    Column("coin", String(64), primary_key=True),
    Column("currency", String(32), primary_key=True),
    Column("fault", String(32), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    comment="Coins whose prices a provider tells so that they cannot be used",
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
    index_of(("opened_at",), AWAITING_ADDRESS, "ix_refunds_awaiting_address"),
    comment="Orders to send money of a payment back to its buyer",
)
