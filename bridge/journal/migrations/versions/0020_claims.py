"""What can be only one payment's is written down, and of a gateway's sums the one that was told last."""

import re
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

from bridge.journal.migrations.rewriting import rewrite, rewrite_json

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
Json = dict[str, Any]

payments = sa.table("payments", *(sa.column(name) for name in ("payment_id", "provider", "facts", "problems")))
observations = sa.table("observations", sa.column("observation_id"), sa.column("observation"))
# What a bridge of before does not know.
NEW_FACTS = ("asked", "unreadable", "borrowed", "taken")
NEW_FIELDS = ("places", "unreadable", "callsPaid", "isLookedUp")
NEW_KINDS = ("invoice-unreadable", "address-borrowed", "money-taken", "claim-contested")
NEW_MISFITS = ("other-name", "claimed-twice")
NEW_PROBLEMS = ("payment-unreadable-books",)
# Those whose letters' case says nothing, as the bridge tells them.
CASELESS = re.compile(r"0x[0-9a-f]{40}|[a-z]{2,83}1[02-9ac-hj-np-z]{6,}")


def upgrade() -> None:
    claims = op.create_table(
        "claims",
        sa.Column("claim", sa.Text, nullable=False),
        sa.Column("payment_id", sa.String(64), nullable=False),
        sa.Column("claimed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("claim", name="pk_claims"),
        comment="What can be only one payment's, and whose it was first: an address, or money that came to one",
        sqlite_with_rowid=False,
    )
    given = sa.table(
        "invoice_addresses", sa.column("payment_id"), sa.column("address"), sa.column("given_at", MOMENT)
    )
    rows = op.get_bind().execute(
        sa.select(payments.c.provider, given.c.address, given.c.payment_id, given.c.given_at)
        .join(payments, payments.c.payment_id == given.c.payment_id)
        .order_by(given.c.given_at, given.c.payment_id)
    )
    first: dict[str, Json] = {}
    for row in rows:
        claim = f"{row.provider} address {_key(row.address)}"
        first.setdefault(claim, {"claim": claim, "payment_id": row.payment_id, "claimed_at": row.given_at})
    if first:
        op.bulk_insert(claims, list(first.values()))
    rewrite_json(payments, "payment_id", "facts", _without("provenBalance"))


def downgrade() -> None:
    op.drop_table("claims")
    rewrite_json(payments, "payment_id", "facts", lambda facts, _: _as_before(facts))
    rewrite(payments, "payment_id", "problems", lambda text, _: _without_new_problems(text))
    op.execute(sa.update(payments).where(payments.c.problems == "").values(problems=None))
    connection = op.get_bind()
    for kind in NEW_KINDS:
        connection.execute(sa.delete(observations).where(observations.c.observation.contains(f'"kind":"{kind}"')))
    rewrite_json(observations, "observation_id", "observation", _without(*NEW_FIELDS))


def _key(address: str) -> str:
    lower = address.lower()
    is_caseless = CASELESS.fullmatch(lower) and (lower.startswith("0x") or address in (lower, address.upper()))
    return lower if is_caseless else address


def _as_before(facts: Json) -> Json:
    asked = facts.get("asked")
    kept = {name: value for name, value in facts.items() if name not in NEW_FACTS}
    kept["misfits"] = [one for one in facts.get("misfits", []) if one["kind"] not in NEW_MISFITS]
    kept["books"] = {name: value for name, value in facts.get("books", {}).items() if name != "isWhole"}
    # What had come by SHKeeper's own sum alone.
    kept["provenBalance"] = "0" if asked is None else asked["books"]["balance"]
    return kept


def _without(*names: str) -> Callable[[Json, Any], Json]:
    return lambda content, _: {name: value for name, value in content.items() if name not in names}


def _without_new_problems(text: str) -> str:
    return " ".join(kind for kind in text.split() if kind not in NEW_PROBLEMS)
