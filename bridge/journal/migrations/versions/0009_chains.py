"""Chains that are followed: how far, what was paid on them, and what went wrong; payouts that are checked on one."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("payments", sa.Column("chain", sa.String(64), comment="Of `direct`, for searching"))
    op.add_column("payments", sa.Column("recipient", sa.String(200), comment="Of `direct`, for searching"))
    op.create_index("ix_payments_chain_recipient", "payments", ["chain", "recipient"])
    op.add_column("payouts", sa.Column("chain", sa.String(64), comment="On which it is followed to its end"))
    op.add_column("payouts", sa.Column("sender", sa.String(200), comment="The wallet that sends it"))
    op.create_index("ix_payouts_chain_destination", "payouts", ["chain", "destination"])
    op.create_table(
        "chain_checkpoints",
        sa.Column("chain", sa.String(64), nullable=False),
        sa.Column("following", sa.Text, nullable=False, comment="Where the chain is followed to, as JSON"),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("chain", name="pk_chain_checkpoints"),
    )
    op.create_table(
        "chain_transfers",
        sa.Column("chain", sa.String(64), nullable=False),
        sa.Column("transfer_id", sa.String(100), nullable=False),
        sa.Column("symbol", sa.String(64), nullable=False),
        sa.Column("recipient", sa.String(200), nullable=False),
        sa.Column("sender", sa.String(200), nullable=False),
        sa.Column("amount", sa.String(120), nullable=False, comment="Of the token"),
        sa.Column("block_number", sa.BigInteger, nullable=False),
        sa.Column("mined_at", MOMENT, nullable=False),
        sa.Column("payment_id", sa.String(64), comment="The payment that it pays"),
        sa.Column("payout_id", sa.String(64), comment="The payout that it carries"),
        sa.Column("reason", sa.Text, comment="Why it is not known what it is for"),
        sa.PrimaryKeyConstraint("chain", "transfer_id", "symbol", "recipient", name="pk_chain_transfers"),
    )
    op.create_index("ix_chain_transfers_chain_block_number", "chain_transfers", ["chain", "block_number"])
    op.create_table(
        "chain_alarms",
        sa.Column("alarm_id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("chain", sa.String(64), nullable=False),
        sa.Column("block_number", sa.BigInteger, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("raised_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("alarm_id", name="pk_chain_alarms"),
    )


def downgrade() -> None:
    for table in ("chain_alarms", "chain_transfers", "chain_checkpoints"):
        op.drop_table(table)
    op.drop_index("ix_payouts_chain_destination", "payouts")
    op.drop_index("ix_payments_chain_recipient", "payments")
    for table, column in (
        ("payouts", "sender"),
        ("payouts", "chain"),
        ("payments", "recipient"),
        ("payments", "chain"),
    ):
        op.drop_column(table, column)
