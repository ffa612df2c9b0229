"""How much too much was paid follows from the amount, whatever the provider's own limits are."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

payments = sa.table("payments", sa.column("payment_id", sa.String), sa.column("facts", sa.Text))
observations = sa.table("observations", sa.column("observation_id", sa.Integer), sa.column("observation", sa.Text))


def _change(table: sa.TableClause, key: str, document: str, *, excess: str | None) -> None:
    connection = op.get_bind()
    for row in connection.execute(sa.select(table.c[key], table.c[document])).all():
        content = json.loads(row[1])
        if "received" not in content:
            continue
        content.pop("excess", None)
        if excess is not None:
            content["excess"] = excess
        statement = sa.update(table).where(table.c[key] == row[0])
        connection.execute(statement.values({document: json.dumps(content, ensure_ascii=False)}))


def upgrade() -> None:
    _change(payments, "payment_id", "facts", excess=None)
    _change(observations, "observation_id", "observation", excess=None)


def downgrade() -> None:
    _change(payments, "payment_id", "facts", excess="0")
    _change(observations, "observation_id", "observation", excess="0")
