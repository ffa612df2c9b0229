"""What cannot be read of payments, payouts and refunds is noted for a person, and left out where work is taken up in
pages."""

import sqlalchemy as sa
from alembic import op

from bridge.journal.tables.column_types import UtcDateTime

revision = "0060"
down_revision = "0058"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "unreadable_rows",
        sa.Column("kind", sa.String(32), primary_key=True),
        sa.Column("identifier", sa.String(64), primary_key=True),
        sa.Column("concerns", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("found_at", UtcDateTime(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("unreadable_rows")
