"""That a gateway calls a payment refunded sends nothing back: a person has to see those of which the bridge knows no
refund. And a payment knows since when its requests are cancelled, and what its coins were worth on other days."""

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from bridge.journal.migrations.rewriting import pages, rewrite, rewrite_json

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

Json = dict[str, Any]

payments = sa.table(
    "payments",
    *(sa.column(name) for name in ("payment_id", "facts", "status", "escrow_state", "problems", "problems_at")),
    sa.column("updated_at"),
)
observations = sa.table("observations", sa.column("observation_id"), sa.column("observation"))
CALLED_REFUNDED = "payment-called-refunded"
# What a bridge of before does not know.
NEW_FACTS = ("cancelledAt", "usualRates")
NEW_PROBLEMS = (CALLED_REFUNDED, "payment-price-doubted", "payment-fee-too-high")


def upgrade() -> None:
    for row, facts in _called_refunded():
        if row.status == "refunded" and not facts.get("refunds"):
            _list(row, facts)


def downgrade() -> None:
    # A bridge of before takes the gateway's word.
    for row, _ in _called_refunded():
        _set(row, status="refunded", escrow_state="refunded")
    rewrite_json(payments, "payment_id", "facts", lambda facts, _: _without(facts, NEW_FACTS))
    rewrite(payments, "payment_id", "problems", lambda text, _: _without_new_problems(text))
    op.execute(sa.update(payments).where(payments.c.problems == "").values(problems=None))
    rewrite_json(observations, "observation_id", "observation", lambda told, _: _told_as_before(told))


def _called_refunded() -> Iterator[tuple[sa.Row[Any], Json]]:
    for rows in pages(payments, "payment_id"):
        for row in rows:
            facts: Json = json.loads(row.facts)
            if "refunded" in facts.get("endings", ()):
                yield row, facts


def _list(row: sa.Row[Any], facts: Json) -> None:
    is_completed = bool(facts.get("completed"))
    _set(
        row,
        status="completed" if is_completed else "cancelled",
        escrow_state="releasing" if facts.get("releases") else "funded" if is_completed else "none",
        problems=" ".join([CALLED_REFUNDED, *(row.problems or "").split()]),
        problems_at=row.problems_at or row.updated_at,
    )


def _set(row: sa.Row[Any], **values: object) -> None:
    op.get_bind().execute(sa.update(payments).where(payments.c.payment_id == row.payment_id).values(values))


def _without(content: Json, names: tuple[str, ...]) -> Json:
    return {name: value for name, value in content.items() if name not in names}


def _told_as_before(told: Json) -> Json:
    return _without(told, ("usualRate",)) if told.get("kind") == "invoice-priced" else told


def _without_new_problems(text: str) -> str:
    return " ".join(kind for kind in text.split() if kind not in NEW_PROBLEMS)
