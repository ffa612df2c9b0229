"""When an endpoint took something last, and when a delivery was tried first: what is missed is known by both."""

import sqlalchemy as sa
from alembic import op

revision = "0056"
down_revision = "0053"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("endpoints", sa.Column("taken_at", sa.DateTime(timezone=True)))
    op.add_column("endpoint_deliveries", sa.Column("first_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    with op.batch_alter_table("endpoint_deliveries") as altered:
        altered.drop_column("first_at")
    with op.batch_alter_table("endpoints") as altered:
        altered.drop_column("taken_at")
