"""Notifications are counted by an index, and it is noted in which zone a gateway's dates were."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from bridge.journal.migrations.rewriting import rewrite_json

revision = "0075"
down_revision = "0069"
branch_labels = None
depends_on = None

COUNTED = sa.text("name IN ('new-notification', 'unread-count-update')")

payments = sa.table("payments", *(sa.column(name) for name in ("payment_id", "facts")))
observations = sa.table("observations", sa.column("observation_id"), sa.column("observation"))


def upgrade() -> None:
    """The facts need nothing: what was not noted has a default."""
    op.create_index(
        "ix_events_counted",
        "events",
        ["rooms", "name", "offset"],
        sqlite_where=COUNTED,
        postgresql_where=COUNTED,
    )


def downgrade() -> None:
    op.drop_index("ix_events_counted", "events")
    rewrite_json(payments, "payment_id", "facts", lambda facts, _: _without_zones(facts))
    rewrite_json(observations, "observation_id", "observation", lambda said, _: _without(said))


def _without_zones(facts: dict[str, Any]) -> dict[str, Any]:
    return {**facts, "booked": [_without(one) for one in facts["booked"]]} if facts.get("booked") else facts


def _without(stored: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in stored.items() if key != "datesAheadSeconds"}
