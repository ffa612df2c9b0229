"""Payments that wait on a chain are found by an index of their own, and payouts over one that are under way, or moved
lately."""

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    is_waiting = sa.text("chain IS NOT NULL AND status IN ('pending', 'confirming', 'partially_paid')")
    op.create_index(
        "ix_payments_waiting",
        "payments",
        ["chain", "status"],
        sqlite_where=is_waiting,
        postgresql_where=is_waiting,
    )
    is_under_way = sa.text(
        "status IN ('awaiting_approval', 'created', 'ambiguous', 'broadcast', 'confirming', 'mismatch', 'dropped')"
    )
    op.create_index(
        "ix_payouts_under_way",
        "payouts",
        ["chain", "status"],
        sqlite_where=is_under_way,
        postgresql_where=is_under_way,
    )
    is_on_chain = sa.text("chain IS NOT NULL")
    op.create_index(
        "ix_payouts_chain_updated_at",
        "payouts",
        ["chain", "updated_at"],
        sqlite_where=is_on_chain,
        postgresql_where=is_on_chain,
    )


def downgrade() -> None:
    op.drop_index("ix_payouts_chain_updated_at", "payouts")
    op.drop_index("ix_payouts_under_way", "payouts")
    op.drop_index("ix_payments_waiting", "payments")
