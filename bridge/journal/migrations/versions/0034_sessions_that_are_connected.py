"""A session says whether its client is connected, for the other bridges that share the journal, and when it was taken
from a bridge to which it was."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A bridge of an older version says neither: then it may be connected.
    op.add_column("sessions", sa.Column("is_connected", sa.Boolean))
    op.add_column("sessions", sa.Column("exchanges", sa.Text))


def downgrade() -> None:
    with op.batch_alter_table("sessions") as table:
        table.drop_column("exchanges")
        table.drop_column("is_connected")
