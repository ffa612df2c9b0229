"""Lists of the console are read off indexes, by what they are filtered by most."""

import sqlalchemy as sa
from alembic import op

revision = "0081"
down_revision = "0078"
branch_labels = None
depends_on = None

IN_DOUBT = sa.text("ended_in_doubt IS TRUE")

MADE = (
    ("ix_payments_status_made", "payments", ["status", "created_at", "payment_id"]),
    ("ix_payments_provider_made", "payments", ["provider", "created_at", "payment_id"]),
    ("ix_payments_currency_made", "payments", ["currency", "created_at", "payment_id"]),
    ("ix_payouts_provider_made", "payouts", ["provider", "created_at", "payout_id"]),
    ("ix_payouts_coin_made", "payouts", ["coin", "created_at", "payout_id"]),
)


def upgrade() -> None:
    for name, table, columns in MADE:
        listed = sa.text(f"{columns[-1]} <> ''")
        op.create_index(name, table, columns, sqlite_where=listed, postgresql_where=listed)
    op.create_index(
        "ix_payouts_ended_in_doubt",
        "payouts",
        ["created_at"],
        sqlite_where=IN_DOUBT,
        postgresql_where=IN_DOUBT,
    )


def downgrade() -> None:
    op.drop_index("ix_payouts_ended_in_doubt", "payouts")
    for name, table, _ in reversed(MADE):
        op.drop_index(name, table)
