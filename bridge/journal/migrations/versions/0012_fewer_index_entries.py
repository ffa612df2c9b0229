"""Indexes hold only the rows that are looked for by them: each entry of each costs every webhook something."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

INDEXES = (
    ("payments", ["due_at"], "due_at IS NOT NULL"),
    ("payments", ["completed_at"], "completed_at IS NOT NULL"),
    ("observations", ["provider", "external_id"], "payment_id IS NULL"),
)


def upgrade() -> None:
    for table, columns, those in INDEXES:
        name = f"ix_{table}_{'_'.join(columns)}"
        op.drop_index(name, table)
        op.create_index(name, table, columns, sqlite_where=sa.text(those), postgresql_where=sa.text(those))


def downgrade() -> None:
    for table, columns, _ in INDEXES:
        name = f"ix_{table}_{'_'.join(columns)}"
        op.drop_index(name, table)
        op.create_index(name, table, columns)
