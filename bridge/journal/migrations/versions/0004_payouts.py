"""Payouts, and what was observed of them."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "payouts",
        sa.Column("payout_id", sa.String(64), nullable=False),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("payment_id", sa.String(64), nullable=False),
        sa.Column("seller_id", sa.String(200), nullable=False),
        sa.Column("destination", sa.String(200), nullable=False),
        sa.Column("coin", sa.String(64), nullable=False),
        sa.Column("amount", sa.String(120), nullable=False),
        sa.Column("fee", sa.String(120), comment="For the network, where the sender sets it"),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("facts", sa.Text, nullable=False, comment="All that is known of the payout, as JSON"),
        sa.Column("status", sa.String(32), nullable=False, comment="Read off the facts, for searching"),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("payout_id", name="pk_payouts"),
    )
    op.create_index("ix_payouts_payment_id", "payouts", ["payment_id"])
    op.create_index("ix_payouts_status_created_at", "payouts", ["status", "created_at"])
    op.create_table(
        "payout_observations",
        sa.Column("observation_id", ROW_ID, nullable=False),
        sa.Column("payout_id", sa.String(64), nullable=False),
        sa.Column("key", sa.String(128), nullable=False, comment="Equal for two deliveries of one message"),
        sa.Column("observation", sa.Text, nullable=False, comment="What was observed, as JSON"),
        sa.Column("effect", sa.String(32), nullable=False, comment="What it did to the payout"),
        sa.Column("status", sa.String(32), nullable=False, comment="The payout's status after it"),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("observation_id", name="pk_payout_observations"),
        sa.UniqueConstraint("payout_id", "key", name="uq_payout_observations_payout_id_key"),
    )


def downgrade() -> None:
    op.drop_table("payout_observations")
    op.drop_table("payouts")
