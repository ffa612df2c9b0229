"""A history says of which epoch the mark told that was found when it began, so that the marks of other bridges, which
tell of the same, begin no further one. And payments that wait for money at a wallet,
or lately did, are found by indexes of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("histories", sa.Column("marked_epoch", sa.String(32)))
    is_open = sa.text("status IN ('pending', 'confirming', 'partially_paid')")
    op.create_index(
        "ix_payments_open_at",
        "payments",
        ["chain", "recipient", "status"],
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    is_on_chain = sa.text("chain IS NOT NULL")
    op.create_index(
        "ix_payments_moved_at",
        "payments",
        ["chain", "recipient", "updated_at"],
        sqlite_where=is_on_chain,
        postgresql_where=is_on_chain,
    )


def downgrade() -> None:
    op.drop_index("ix_payments_moved_at", "payments")
    op.drop_index("ix_payments_open_at", "payments")
    with op.batch_alter_table("histories") as table:
        table.drop_column("marked_epoch")
