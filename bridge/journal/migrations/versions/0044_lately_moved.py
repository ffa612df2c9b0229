"""Bridges that share a journal say which payments they moved lately."""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("journal", sa.Column("lately_moved", sa.Text()))


def downgrade() -> None:
    with op.batch_alter_table("journal") as table:
        table.drop_column("lately_moved")
