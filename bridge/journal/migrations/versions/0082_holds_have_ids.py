"""Each hold of payouts has an id that no other ever has, and the service that placed it; a history has how many
decisions of people it is known to lack."""

import sqlalchemy as sa
from alembic import op

revision = "0082"
down_revision = "0081"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("payout_holds", sa.Column("public_id", sa.String(40), comment=ID))
    op.add_column("payout_holds", sa.Column("service", sa.String(200), comment=SERVICE))
    op.add_column("histories", sa.Column("missing_decisions", sa.BigInteger, comment=MISSING))


def downgrade() -> None:
    with op.batch_alter_table("histories") as table:
        table.drop_column("missing_decisions")
    with op.batch_alter_table("payout_holds") as table:
        table.drop_column("service")
        table.drop_column("public_id")


ID = "No other hold ever has it; empty if an earlier version wrote the row"
SERVICE = "That placed it; empty if a person did, or the bridge"
MISSING = "Of people, as its mark showed; empty if not known"
