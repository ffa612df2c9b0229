"""Wallets are compared with the books, and what moved without the bridge is noted."""

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "wallet_comparisons",
        sa.Column("wallet", sa.String(300), primary_key=True),
        sa.Column("coin", sa.String(64), primary_key=True),
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("compared_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Index("ix_wallet_comparisons_day", "day"),
    )
    op.create_table(
        "wallet_movements",
        sa.Column("movement_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("noted_by", sa.String(200), nullable=False),
        sa.Column("wallet", sa.String(300), nullable=False),
        sa.Column("coin", sa.String(64), nullable=False),
        sa.Column("amount", sa.String(120), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("wallet_movements")
    op.drop_table("wallet_comparisons")
