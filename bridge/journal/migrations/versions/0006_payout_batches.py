"""Payouts that were registered together are sent together."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "payouts", sa.Column("batch_id", sa.String(64), comment="Equal for payouts that may be sent in one question")
    )


def downgrade() -> None:
    op.drop_column("payouts", "batch_id")
