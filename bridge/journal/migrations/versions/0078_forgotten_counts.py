"""What was counted of forgotten events is kept: how many notifications a user was sent, and the last count."""

import sqlalchemy as sa
from alembic import op

revision = "0078"
down_revision = "0075"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "forgotten_counts",
        sa.Column("room", sa.String(300), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("last_payload", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("room", "name", name="pk_forgotten_counts"),
        comment="Of the events that are counted, how many were forgotten",
    )


def downgrade() -> None:
    op.drop_table("forgotten_counts")
