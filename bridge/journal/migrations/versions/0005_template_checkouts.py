"""Template checkouts: payments that cover several purchase requests."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "payments", sa.Column("checkout", sa.Text, comment="The template checkout, as JSON, if it pays one")
    )
    op.create_table(
        "checkouts",
        sa.Column("checkout_id", sa.String(200), nullable=False),
        sa.Column("payment_id", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("checkout_id", name="pk_checkouts"),
    )
    op.create_table(
        "checkout_requests",
        sa.Column("request_id", sa.String(200), nullable=False),
        sa.Column("payment_id", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("request_id", "payment_id", name="pk_checkout_requests"),
    )


def downgrade() -> None:
    op.drop_table("checkout_requests")
    op.drop_table("checkouts")
    op.drop_column("payments", "checkout")
