"""A journal's history has an identity: what it lies on, each epoch that it has had, and what it was found to have
forgotten."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("journal", sa.Column("ground", sa.Text, comment="What it was written on, as JSON"))
    op.add_column("payout_holds", sa.Column("epoch", sa.String(32)))
    op.create_table(
        "histories",
        sa.Column("epoch", sa.String(32), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("beginning", sa.String(32), nullable=False),
        sa.Column("evidence", sa.Text, nullable=False),
        sa.Column("last_commit_at", sa.DateTime(timezone=True)),
        sa.Column("comparison", sa.Text),
        sa.Column("compared_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("epoch", name="pk_histories"),
        comment="Each epoch that the journal has had, the present one among them",
    )
    op.create_table(
        "forgotten_payouts",
        sa.Column("payout_id", sa.String(64), nullable=False),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("payment_id", sa.String(64), nullable=False),
        sa.Column(
            "payee_id", sa.String(200), nullable=False, comment="The seller, or the buyer of what was refunded"
        ),
        sa.Column("coin", sa.String(64), nullable=False),
        sa.Column("said", sa.Text, nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("payout_id", name="pk_forgotten_payouts"),
        comment="Payouts that a provider has in its books, and a journal that was restored had not",
    )
    op.create_index("ix_forgotten_payouts_payment_id", "forgotten_payouts", ["payment_id"])
    op.execute(
        "INSERT INTO histories (epoch, began_at, beginning, evidence)"
        " SELECT epoch, created_at, 'new', '[]' FROM journal"
    )


def downgrade() -> None:
    op.drop_table("forgotten_payouts")
    op.drop_table("histories")
    # A hold stays: whoever goes back to a bridge of before has it to lift.
    with op.batch_alter_table("payout_holds") as table:
        table.drop_column("epoch")
    with op.batch_alter_table("journal") as table:
        table.drop_column("ground")
