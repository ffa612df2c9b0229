"""Events know to what trace they belong."""

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("events", sa.Column("traceparent", sa.String(55)))


def downgrade() -> None:
    with op.batch_alter_table("events") as table:
        table.drop_column("traceparent")
