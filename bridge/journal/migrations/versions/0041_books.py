"""The books: every change of what payments and payouts come to is entered. What was there
before is entered by the first bridge that knows of the books."""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

NOT_ENTERED = sa.text("entered_at IS NULL OR entered_at <> updated_at")


def upgrade() -> None:
    op.create_table(
        "book_entries",
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("unit", sa.String(64), nullable=False),
        sa.Column("amount", sa.String(120), nullable=False),
        sa.Column("payment_id", sa.String(64), nullable=False),
        sa.Column("seller_id", sa.String(200)),
        sa.Column("wallet", sa.String(300)),
        sa.Column("payout_id", sa.String(64)),
    )
    of_sellers = sa.text("seller_id IS NOT NULL")
    op.create_index("ix_book_entries_entered_at", "book_entries", ["entered_at"])
    op.create_index("ix_book_entries_payment_id", "book_entries", ["payment_id"])
    op.create_index(
        "ix_book_entries_seller_id_entered_at",
        "book_entries",
        ["seller_id", "entered_at"],
        sqlite_where=of_sellers,
        postgresql_where=of_sellers,
    )
    for table in ("payments", "payouts"):
        op.add_column(table, sa.Column("entered_at", sa.DateTime(timezone=True)))
        op.create_index(
            f"ix_{table}_not_entered", table, ["updated_at"], sqlite_where=NOT_ENTERED, postgresql_where=NOT_ENTERED
        )


def downgrade() -> None:
    for table in ("payments", "payouts"):
        op.drop_index(f"ix_{table}_not_entered", table)
        with op.batch_alter_table(table) as altered:
            altered.drop_column("entered_at")
    op.drop_table("book_entries")
