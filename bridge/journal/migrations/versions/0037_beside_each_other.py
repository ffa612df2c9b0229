"""A journal says which versions of the bridge may use it side by side."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("journal", sa.Column("oldest_beside", sa.String(32)))


def downgrade() -> None:
    with op.batch_alter_table("journal") as table:
        table.drop_column("oldest_beside")
