"""Several bridges share a journal: which of them there are, what one of them does at a time, and which of them has a
session's client."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "nodes",
        sa.Column("node", sa.String(32), primary_key=True),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("node", sa.String(32), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.add_column("sessions", sa.Column("node", sa.String(32)))


def downgrade() -> None:
    with op.batch_alter_table("sessions") as table:
        table.drop_column("node")
    op.drop_table("leases")
    op.drop_table("nodes")
