"""What needs a person is remembered: who was told of it, who sees to it, and until when it is put off."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    unsettled = sa.text("settled_at IS NULL")
    op.create_table(
        "alerts",
        sa.Column("key", sa.String(400), primary_key=True),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("settled_at", sa.DateTime(timezone=True)),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Index("ix_alerts_ended_at", "ended_at"),
        sa.Index("ix_alerts_unsettled", "key", sqlite_where=unsettled, postgresql_where=unsettled),
    )
    op.create_table(
        "alert_steps",
        sa.Column("step_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("key", sa.String(400), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("what", sa.String(32), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Index("ix_alert_steps_key", "key"),
    )
    op.create_table(
        "alert_destinations",
        sa.Column("destination", sa.String(400), primary_key=True),
        sa.Column("last_told_at", sa.DateTime(timezone=True)),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", sa.DateTime(timezone=True)),
        sa.Column("next_try_at", sa.DateTime(timezone=True)),
        sa.Column("problem", sa.Text()),
        sa.Column("is_undelivered", sa.Boolean(), nullable=False),
        sa.Column("in_doubt", sa.Text()),
    )


def downgrade() -> None:
    op.drop_table("alert_destinations")
    op.drop_table("alert_steps")
    op.drop_table("alerts")
