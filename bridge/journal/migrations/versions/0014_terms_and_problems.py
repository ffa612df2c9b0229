"""Payments have terms of their own, and what is wrong with one can be looked for. Of each transfer is kept what shows
that it is confirmed."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
PAGE = 1_000
# What the configuration says where nobody has set it.
TERMS = {"tolerancePercent": "5", "unconfirmedGraceSeconds": 86_400}
EXACT_TERMS = TERMS | {"tolerancePercent": "0"}
PROBLEMS = ("problems", "problems_at")
ARE_KNOWN = "problems_at IS NOT NULL"


def upgrade() -> None:
    op.add_column(
        "payments",
        sa.Column("terms", sa.Text, nullable=False, server_default="{}", comment="How strictly it is taken, as JSON"),
    )
    op.add_column(
        "payments",
        sa.Column(
            "problems",
            sa.Text,
            comment="The kinds of what is wrong with it, with blanks between; empty if nothing is",
        ),
    )
    op.add_column("payments", sa.Column("problems_at", MOMENT, comment="When there was news of them last"))
    _rewrite(_upgraded)
    op.create_index(
        "ix_payments_problems_at_payment_id",
        "payments",
        ["problems_at", "payment_id"],
        sqlite_where=sa.text(ARE_KNOWN),
        postgresql_where=sa.text(ARE_KNOWN),
    )


def downgrade() -> None:
    op.drop_index("ix_payments_problems_at_payment_id", "payments")
    _rewrite(_downgraded)
    for name in (*PROBLEMS, "terms"):
        op.drop_column("payments", name)


def _rewrite(rewritten: Any) -> None:
    connection = op.get_bind()
    names = ("payment_id", "facts", "terms", "status", "direct", "expires_at")
    table = sa.table("payments", *(sa.column(name) for name in names if name != "expires_at"))
    table.append_column(sa.column("expires_at", MOMENT))
    change = table.update().where(table.c.payment_id == sa.bindparam("by_payment_id"))
    change = change.values(facts=sa.bindparam("new_facts"), terms=sa.bindparam("new_terms"))
    after = ""
    while True:
        statement = sa.select(table).where(table.c.payment_id > after).order_by(table.c.payment_id).limit(PAGE)
        rows = connection.execute(statement).mappings().all()
        if not rows:
            return
        connection.execute(
            change,
            [
                {
                    "by_payment_id": row["payment_id"],
                    "new_facts": json.dumps(rewritten(row), separators=(",", ":")),
                    "new_terms": json.dumps(EXACT_TERMS if row["direct"] else TERMS, separators=(",", ":")),
                }
                for row in rows
            ],
        )
        after = rows[-1]["payment_id"]


def _upgraded(row: Mapping[str, Any]) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(row["facts"])
    confirmed, received = facts.pop("confirmed", []), facts.pop("received", "0")
    listed = facts.pop("told", []) or confirmed
    passed = facts.pop("deadlinePassed", False)
    return facts | {
        "books": {"balance": received, "transferIds": sorted(one["transferId"] for one in confirmed)},
        "provenBalance": received,
        # They counted when they came.
        "booked": [{"transfer": one, "isProven": True} for one in listed],
        "seen": [{"transfer": one} for one in facts.get("seen", [])],
        "deadlinePassed": _text(row["expires_at"]) if passed else None,
        # That it was completed was told, whatever it would be called today.
        "completed": row["status"] == "completed",
    }


def _text(moment: datetime | None) -> str | None:
    """SQLite keeps no zone: what is in it is UTC."""
    if moment is None:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()


def _downgraded(row: Mapping[str, Any]) -> dict[str, Any]:
    facts = json.loads(row["facts"])
    kept = {name: facts[name] for name in ("standing", "endings", "releases", "sightings", "hints") if name in facts}
    booked = [one["transfer"] for one in facts.get("booked", [])]
    ids = set(facts.get("books", {}).get("transferIds", []))
    return kept | {
        "received": facts.get("books", {}).get("balance", "0"),
        "confirmed": [one for one in booked if one["transferId"] in ids],
        "told": booked,
        "seen": [one["transfer"] for one in facts.get("seen", [])],
        "deadlinePassed": facts.get("deadlinePassed") is not None,
    }
