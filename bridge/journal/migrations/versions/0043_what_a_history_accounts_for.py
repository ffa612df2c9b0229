"""A history says of which epoch the mark told that was found when it began, so that the marks of other bridges, which
tell of the same, begin no further one."""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("histories", sa.Column("marked_epoch", sa.String(32)))


def downgrade() -> None:
    with op.batch_alter_table("histories") as table:
        table.drop_column("marked_epoch")
