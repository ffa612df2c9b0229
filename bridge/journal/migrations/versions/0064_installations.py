"""A journal says whose it is, so that names of payouts at a provider are one installation's alone. What there is to
say of one that is older, whoever opens it next writes down."""

import sqlalchemy as sa
from alembic import op

revision = "0064"
down_revision = "0062"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("journal", sa.Column("installation", sa.String(32)))
    op.add_column("journal", sa.Column("plain_names", sa.Boolean()))


def downgrade() -> None:
    with op.batch_alter_table("journal") as table:
        table.drop_column("plain_names")
        table.drop_column("installation")
