"""Payouts over a chain that are under way, or moved lately, are found by indexes of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
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
