"""That a provider does not answer about one payment is noted with it."""

from typing import Any

import sqlalchemy as sa

from bridge.journal.migrations.rewriting import rewrite_json

revision = "0066"
down_revision = "0065"
branch_labels = None
depends_on = None

payments = sa.table("payments", *(sa.column(name) for name in ("payment_id", "facts")))
observations = sa.table("observations", sa.column("observation_id"), sa.column("observation"))


def upgrade() -> None:
    """Nothing: the facts have a default."""


def downgrade() -> None:
    rewrite_json(payments, "payment_id", "facts", lambda facts, _: _without(facts, "unanswered"))
    rewrite_json(observations, "observation_id", "observation", lambda said, _: _without(said, "isUnanswered"))


def _without(stored: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in stored.items() if key != name}
