"""The invoices that the bridge itself has opened, or wants to."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "invoices",
        sa.Column("payment_id", sa.String(64), nullable=False),
        sa.Column("coin", sa.String(64), nullable=False),
        sa.Column("wanted", sa.Text, nullable=False, comment="What the provider is asked for, as JSON"),
        sa.Column("wanted_at", MOMENT, nullable=False, comment="The one wanted last is the one to pay"),
        sa.Column("opened", sa.Text, comment="What the provider answered, as JSON; empty until it did"),
        sa.PrimaryKeyConstraint("payment_id", "coin", name="pk_invoices"),
    )
    op.create_index("ix_payments_provider_status", "payments", ["provider", "status", "payment_id"])


def downgrade() -> None:
    op.drop_index("ix_payments_provider_status", "payments")
    op.drop_table("invoices")
