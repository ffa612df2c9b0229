"""What the network took for payouts is asked for and entered; what wallets should hold is kept added up."""

import sqlalchemy as sa
from alembic import op

revision = "0062"
down_revision = "0060"
branch_labels = None
depends_on = None

DUE = "network_fee_due IS NOT NULL"


def upgrade() -> None:
    op.add_column("payouts", sa.Column("network_fee_due", sa.Boolean()))
    op.create_index(
        "ix_payouts_network_fee_due",
        "payouts",
        ["payout_id"],
        sqlite_where=sa.text(DUE),
        postgresql_where=sa.text(DUE),
    )
    op.create_table(
        "wallet_sums",
        sa.Column("wallet", sa.String(300), primary_key=True),
        sa.Column("coin", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("amount", sa.String(120), nullable=False),
        sa.Column("through_entry_id", sa.BigInteger(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("wallet_sums")
    op.drop_index("ix_payouts_network_fee_due", "payouts")
    with op.batch_alter_table("payouts") as table:
        table.drop_column("network_fee_due")
