"""Who ever put a destination on a seller's list is remembered; and which prices cannot be used."""

import sqlalchemy as sa
from alembic import op

revision = "0069"
down_revision = "0066"
branch_labels = None
depends_on = None

# What was written of each, with who did it, since there are such lists.
_LISTED_BEFORE = """
    INSERT INTO destination_listings (seller_id, destination, listed_by)
    SELECT DISTINCT subject, replace(outcome, ' may be paid for ' || subject, ''), "by" FROM actions
    WHERE action = 'destination-added' AND outcome LIKE '% may be paid for %'
    UNION SELECT seller_id, destination, added_by FROM allowed_destinations
"""


def upgrade() -> None:
    op.create_table(
        "destination_listings",
        sa.Column("seller_id", sa.String(200), nullable=False),
        sa.Column("destination", sa.String(200), nullable=False),
        sa.Column("listed_by", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("seller_id", "destination", "listed_by", name="pk_destination_listings"),
        comment="Who ever put a destination on a list, a person or a service",
    )
    op.execute(_LISTED_BEFORE)
    op.create_table(
        "unusable_prices",
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("coin", sa.String(64), nullable=False),
        sa.Column("currency", sa.String(32), nullable=False),
        sa.Column("fault", sa.String(32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("provider", "coin", "currency", "fault", name="pk_unusable_prices"),
        comment="Coins whose prices a provider tells so that they cannot be used",
    )


def downgrade() -> None:
    op.drop_table("unusable_prices")
    op.drop_table("destination_listings")
