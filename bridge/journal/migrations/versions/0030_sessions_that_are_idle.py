"""A session says whether anything is kept by it: one that is in no room, and by which nobody is there or types, is
forgotten within hours."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

sessions = sa.table("sessions", sa.column("content"), sa.column("is_idle", sa.Boolean))


def upgrade() -> None:
    op.add_column("sessions", sa.Column("is_idle", sa.Boolean, nullable=False, server_default=sa.false()))
    # No name of a room can say this: within JSON its quotation marks would be escaped.
    is_idle = sessions.c.content.like('%"rooms":{},"online":[],"typing":[],%')
    op.execute(sessions.update().where(is_idle).values(is_idle=True))


def downgrade() -> None:
    with op.batch_alter_table("sessions") as table:
        table.drop_column("is_idle")
