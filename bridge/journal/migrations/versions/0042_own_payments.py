"""Buyers and sellers list their own payments."""

import json

import sqlalchemy as sa
from alembic import op

from bridge.journal.migrations.rewriting import pages

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

payments = sa.table(
    "payments",
    *(sa.column(name) for name in ("payment_id", "seller_id", "checkout")),
    sa.column("created_at", sa.DateTime(timezone=True)),
)
sellers = sa.table(
    "checkout_sellers",
    *(sa.column(name) for name in ("seller_id", "payment_id")),
    sa.column("created_at", sa.DateTime(timezone=True)),
)


def upgrade() -> None:
    op.create_index("ix_payments_seller", "payments", ["seller_id", "created_at", "payment_id"])
    op.create_index("ix_payments_buyer", "payments", ["buyer_id", "created_at", "payment_id"])
    op.create_table(
        "checkout_sellers",
        sa.Column("seller_id", sa.String(200), primary_key=True),
        sa.Column("created_at", sa.DateTime(timezone=True), primary_key=True),
        sa.Column("payment_id", sa.String(64), primary_key=True),
        sqlite_with_rowid=False,
    )
    _note_sellers()


def _note_sellers() -> None:
    """Those of the checkouts that there are, but for the one that the payment itself names."""
    for rows in pages(payments, "payment_id"):
        found = [
            {"seller_id": seller_id, "created_at": row.created_at, "payment_id": row.payment_id}
            for row in rows
            if row.checkout is not None
            for seller_id in {share["sellerId"] for share in json.loads(row.checkout)["shares"]} - {row.seller_id}
        ]
        if found:
            op.get_bind().execute(sellers.insert(), found)


def downgrade() -> None:
    op.drop_table("checkout_sellers")
    op.drop_index("ix_payments_buyer", "payments")
    op.drop_index("ix_payments_seller", "payments")
