"""What one of several bridges knows and another has to: how it follows a chain, who came to one lately, and which
payments are to be asked about."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

OVER_A_CHAIN = sa.text("chain IS NOT NULL")


def upgrade() -> None:
    op.add_column("leases", sa.Column("said", sa.Text))
    op.create_index(
        "ix_payments_chain_updated_at",
        "payments",
        ["chain", "updated_at"],
        sqlite_where=OVER_A_CHAIN,
        postgresql_where=OVER_A_CHAIN,
    )
    op.create_table(
        "due_look_ups",
        sa.Column("payment_id", sa.String(64), primary_key=True),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("due_look_ups")
    op.drop_index("ix_payments_chain_updated_at", "payments")
    with op.batch_alter_table("leases") as table:
        table.drop_column("said")
