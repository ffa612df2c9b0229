"""Of who came, went or types it is noted when that was said: whoever left between when a user was seen last and when
the others were told that it has gone does not know yet."""

import sqlalchemy as sa
from alembic import op

from bridge.journal.tables.column_types import UtcDateTime

revision = "0065"
down_revision = "0064"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("activities", sa.Column("said_at", UtcDateTime))


def downgrade() -> None:
    with op.batch_alter_table("activities") as table:
        table.drop_column("said_at")
