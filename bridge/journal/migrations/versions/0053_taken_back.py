"""Of a payment it is known in which coins it was asked for, and what of its money its provider took back. What a
bridge of before wrote down needs no change."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

from bridge.journal.migrations.rewriting import pages, rewrite_json

revision = "0053"
down_revision = "0051"
branch_labels = None
depends_on = None

Json = dict[str, Any]

payments = sa.table("payments", sa.column("payment_id"), sa.column("facts"))
observations = sa.table("observations", sa.column("observation_id"), sa.column("observation"))

# What a bridge of before does not know.
NEW_FACTS = ("coins", "askedOfOne")
NEW_OF_BOOKED = ("takenBackAt", "assets")
NEW_KIND = "transfers-taken-back"


def upgrade() -> None:
    """Nothing is written otherwise than before."""


def downgrade() -> None:
    rewrite_json(payments, "payment_id", "facts", lambda facts, _: _as_before(facts))
    for rows in pages(observations, "observation_id"):
        gone = [row.observation_id for row in rows if json.loads(row.observation)["kind"] == NEW_KIND]
        if gone:
            op.get_bind().execute(observations.delete().where(observations.c.observation_id.in_(gone)))


def _as_before(facts: Json) -> Json:
    kept = _without(facts, NEW_FACTS)
    if "booked" in kept:
        kept["booked"] = [_without(one, NEW_OF_BOOKED) for one in kept["booked"]]
    return kept


def _without(document: Json, fields: tuple[str, ...]) -> Json:
    return {name: value for name, value in document.items() if name not in fields}
