"""A payment is a draft until its provider has answered; why an invoice was refused is kept; and what is to be opened
and what is to be asked about is found by indexes."""

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
    op.create_table(
        "drafts",
        sa.Column("payment_id", sa.String(64), nullable=False),
        sa.Column("payment", sa.Text, nullable=False),
        sa.Column("wanted", sa.Text, nullable=False),
        sa.Column("scope", sa.String(64)),
        sa.Column("key", sa.String(200)),
        sa.Column("request_digest", sa.String(64)),
        sa.Column("checkout_id", sa.String(200)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("payment_id", name="pk_drafts"),
    )
    for name, table, columns, those in INDEXES:
        op.create_index(name, table, columns, sqlite_where=sa.text(those), postgresql_where=sa.text(those))


def downgrade() -> None:
    for name, table, _, _ in INDEXES:
        op.drop_index(name, table)
    op.drop_table("drafts")
    with op.batch_alter_table("invoices") as invoices:
        invoices.drop_column("refused")
