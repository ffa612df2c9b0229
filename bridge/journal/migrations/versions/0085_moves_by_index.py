"""Moves of payments over a chain are read off an index alone, with each block."""

import sqlalchemy as sa
from alembic import op

revision = "0085"
down_revision = "0082"
branch_labels = None
depends_on = None

OVER_CHAIN = sa.text("chain IS NOT NULL")


def upgrade() -> None:
    # The index on which bridges rely that run beside stays.
    op.create_index(
        "ix_payments_chain_moves",
        "payments",
        ["chain", "updated_at", "payment_id"],
        sqlite_where=OVER_CHAIN,
        postgresql_where=OVER_CHAIN,
    )


def downgrade() -> None:
    op.drop_index("ix_payments_chain_moves", "payments")
