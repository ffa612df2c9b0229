"""The journal counts what is committed to it, so that its mark tells also of what makes no events."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("journal", sa.Column("commits", sa.BigInteger, nullable=False, server_default="0"))


def downgrade() -> None:
    with op.batch_alter_table("journal") as table:
        table.drop_column("commits")
