"""Bridges that share a journal report how they are doing."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("nodes", sa.Column("report", sa.Text()))


def downgrade() -> None:
    with op.batch_alter_table("nodes") as table:
        table.drop_column("report")
