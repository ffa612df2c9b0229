"""Payments that go over a chain to a wallet, without a gateway between."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "payments", sa.Column("direct", sa.Text, comment="Where to pay, as JSON, if it goes over a chain to a wallet")
    )


def downgrade() -> None:
    op.drop_column("payments", "direct")
