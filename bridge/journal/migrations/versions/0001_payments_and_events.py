"""Payments, what was observed of them, and the events that followed."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "journal",
        sa.Column("epoch", sa.String(32), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("epoch", name="pk_journal"),
        comment="One row: which journal this is. A replaced or restored database has another epoch.",
    )
    op.create_table(
        "events",
        sa.Column("offset", ROW_ID, nullable=False, autoincrement=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("everyone", sa.Boolean, nullable=False),
        sa.Column("rooms", sa.Text, nullable=False, comment="A JSON array of room names"),
        sa.Column("payload", sa.Text, nullable=False, comment="The event's payload as JSON"),
        sa.Column("payment_id", sa.String(64)),
        sa.Column("committed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("offset", name="pk_events"),
        comment="The ordered, durable list of events. Offsets have no gaps.",
    )
    op.create_index("ix_events_payment_id", "events", ["payment_id"])
    op.create_table(
        "payments",
        sa.Column("payment_id", sa.String(64), nullable=False),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("external_id", sa.String(200), nullable=False),
        sa.Column("request_id", sa.String(200), nullable=False),
        sa.Column("buyer_id", sa.String(200), nullable=False),
        sa.Column("seller_id", sa.String(200), nullable=False),
        sa.Column("offer_id", sa.String(200)),
        sa.Column("amount", sa.String(120), nullable=False),
        sa.Column("currency", sa.String(32), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT),
        sa.Column("facts", sa.Text, nullable=False, comment="All that was seen of the payment, as JSON"),
        sa.Column("status", sa.String(32), nullable=False, comment="Read off the facts, for searching"),
        sa.Column("escrow_state", sa.String(32), nullable=False, comment="Read off the facts, for searching"),
        sa.Column("due_at", MOMENT, comment="When the deadline is to be applied; empty once it was"),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("payment_id", name="pk_payments"),
        sa.UniqueConstraint("provider", "external_id", name="uq_payments_provider_external_id"),
    )
    op.create_index("ix_payments_request_id", "payments", ["request_id"])
    op.create_index("ix_payments_due_at", "payments", ["due_at"])
    op.create_table(
        "observations",
        sa.Column("observation_id", ROW_ID, nullable=False),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("key", sa.String(128), nullable=False, comment="Equal for two deliveries of one message"),
        sa.Column("external_id", sa.String(200), nullable=False),
        sa.Column("payment_id", sa.String(64), comment="Empty while no such payment is registered"),
        sa.Column("observation", sa.Text, nullable=False, comment="What was seen, as JSON"),
        sa.Column("effect", sa.String(32), comment="What it did to the payment"),
        sa.Column("status", sa.String(32), comment="The payment's status after it"),
        sa.Column("escrow_state", sa.String(32), comment="The payment's escrow state after it"),
        sa.Column("received", sa.String(120), comment="What the payment had received after it"),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("observation_id", name="pk_observations"),
        sa.UniqueConstraint("provider", "key", name="uq_observations_provider_key"),
    )
    op.create_index("ix_observations_payment_id", "observations", ["payment_id"])
    op.create_index("ix_observations_provider_external_id", "observations", ["provider", "external_id"])
    op.create_table(
        "unreadable_webhooks",
        sa.Column("webhook_id", ROW_ID, nullable=False),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column(
            "digest",
            sa.String(64),
            nullable=False,
            comment="SHA-256 of the body, so that retries are kept once",
        ),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("webhook_id", name="pk_unreadable_webhooks"),
        sa.UniqueConstraint("provider", "digest", name="uq_unreadable_webhooks_provider_digest"),
        comment="Webhooks with a good signature and a body that makes no sense, for a person to look at.",
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("scope", sa.String(64), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("request_digest", sa.String(64), nullable=False),
        sa.Column("result", sa.Text, nullable=False, comment="What the request made, as JSON"),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("scope", "key", name="pk_idempotency_keys"),
    )


def downgrade() -> None:
    for table in ("idempotency_keys", "unreadable_webhooks", "observations", "payments", "events", "journal"):
        op.drop_table(table)
