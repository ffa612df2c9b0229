"""Events are sent to endpoints of the marketplace's services."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

IS_DUE = sa.text("next_at IS NOT NULL")


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "endpoints",
        sa.Column("endpoint_id", sa.String(64), primary_key=True),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("events", sa.Text, nullable=False),
        sa.Column("is_ordered", sa.Boolean, nullable=False),
        sa.Column("secrets", sa.Text, nullable=False),
        sa.Column("service", sa.String(64)),
        sa.Column("registered_by", sa.String(200), nullable=False),
        sa.Column("registered_at", moment, nullable=False),
        sa.Column("cursor", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("failing_since", moment),
        sa.Column("disabled_at", moment),
        sa.Column("disabled_by", sa.String(200)),
        sa.Column("disabled_because", sa.Text),
        sa.Column("missed", sa.BigInteger, nullable=False),
        sa.Column("missed_at", moment),
        sa.Column("missed_because", sa.Text),
    )
    op.create_table(
        "endpoint_deliveries",
        sa.Column("endpoint_id", sa.String(64), primary_key=True),
        sa.Column("message_id", sa.String(64), primary_key=True),
        sa.Column("event", sa.String(100), nullable=False),
        sa.Column("offset", sa.BigInteger),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("last_at", moment),
        sa.Column("next_at", moment),
        sa.Column("answer_status", sa.Integer),
        sa.Column("said", sa.Text, nullable=False),
        sa.Column("took_ms", sa.Integer),
    )
    op.create_index(
        "ix_endpoint_deliveries_endpoint_id_next_at",
        "endpoint_deliveries",
        ["endpoint_id", "next_at"],
        sqlite_where=IS_DUE,
        postgresql_where=IS_DUE,
    )
    for columns in (["endpoint_id", "created_at"], ["created_at"]):
        op.create_index("_".join(("ix_endpoint_deliveries", *columns)), "endpoint_deliveries", columns)


def downgrade() -> None:
    op.drop_table("endpoint_deliveries")
    op.drop_table("endpoints")
