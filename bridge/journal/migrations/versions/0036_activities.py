"""Several bridges share who is online and who types."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "activities",
        sa.Column("node", sa.String(32), primary_key=True),
        sa.Column("user_id", sa.String(200), primary_key=True),
        sa.Column("chat_id", sa.String(200), primary_key=True),
        sa.Column("user_name", sa.Text()),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_activities_change", "activities", ["change"])


def downgrade() -> None:
    op.drop_table("activities")
