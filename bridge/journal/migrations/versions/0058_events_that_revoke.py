"""Of what is taken back of what tokens grant it is known by which event, so that a client which has heard that, or
has come since, is not taken for one that missed it."""

import sqlalchemy as sa
from alembic import op

revision = "0058"
down_revision = "0056"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("revocations", sa.Column("offset", sa.BigInteger()))


def downgrade() -> None:
    with op.batch_alter_table("revocations") as table:
        table.drop_column("offset")
