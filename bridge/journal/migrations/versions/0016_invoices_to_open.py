"""What is to be opened and what is to be asked about is found by indexes, and why an invoice was refused is kept."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0013"
branch_labels = None
depends_on = None

INDEXES = (
    ("ix_invoices_wanted_at_payment_id", "invoices", ["wanted_at", "payment_id"], "opened IS NULL"),
    (
        "ix_payments_ended_unpaid",
        "payments",
        ["provider", "updated_at", "payment_id"],
        "status IN ('expired', 'cancelled', 'failed')",
    ),
)


def upgrade() -> None:
    op.add_column("invoices", sa.Column("refused", sa.Text))
    for name, table, columns, those in INDEXES:
        op.create_index(name, table, columns, sqlite_where=sa.text(those), postgresql_where=sa.text(those))


def downgrade() -> None:
    for name, table, _, _ in INDEXES:
        op.drop_index(name, table)
    with op.batch_alter_table("invoices") as invoices:
        invoices.drop_column("refused")
