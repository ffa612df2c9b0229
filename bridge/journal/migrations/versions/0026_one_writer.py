"""The journal says which bridge writes to it, and that it could; what is forgotten after a time is found by it."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("journal", sa.Column("writer", sa.String(16)))
    op.add_column("journal", sa.Column("proven_at", sa.DateTime(timezone=True)))
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])
    op.create_index("ix_unreadable_webhooks_received_at", "unreadable_webhooks", ["received_at"])


def downgrade() -> None:
    op.drop_index("ix_unreadable_webhooks_received_at", "unreadable_webhooks")
    op.drop_index("ix_idempotency_keys_created_at", "idempotency_keys")
    with op.batch_alter_table("journal") as table:
        table.drop_column("proven_at")
        table.drop_column("writer")
