"""What a payout is called at its provider is given to it when it is asked for first. Those that were asked for keep
the name that they had, their own id."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

from bridge.journal.migrations.rewriting import pages, rewrite_json

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

Json = dict[str, Any]

payouts = sa.table("payouts", *(sa.column(name) for name in ("payout_id", "facts", "status")))
observations = sa.table("payout_observations", sa.column("observation_id"), sa.column("observation"))
names = sa.table("payout_names", sa.column("external_id"), sa.column("payout_id"))
forgotten = sa.table("forgotten_payouts", sa.column("external_id"), sa.column("said"))
histories = sa.table("histories", sa.column("epoch"), sa.column("comparison"))

NEW_FACTS = ("externalIds", "booked", "passedOn")
NEW_KINDS = ("payout-booked", "payout-name-passed-on")
ENDED = ("completed", "failed", "returned")


def upgrade() -> None:
    op.create_table(
        "payout_names",
        sa.Column("external_id", sa.String(64), nullable=False),
        sa.Column("payout_id", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("external_id", "payout_id", name="pk_payout_names"),
        comment="What providers were asked for payouts by; of several by one name all but the last ended without it",
    )
    rewrite_json(payouts, "payout_id", "facts", _named)
    with op.batch_alter_table("forgotten_payouts") as table:
        table.alter_column("payout_id", new_column_name="external_id", existing_type=sa.String(64))
    rewrite_json(forgotten, "external_id", "said", lambda said, _: _renamed(said, "payoutId", "externalId"))
    rewrite_json(histories, "epoch", "comparison", lambda it, _: _of_comparison(it, "payoutId", "externalId"))


def downgrade() -> None:
    _require_that_a_bridge_of_before_finds_them()
    rewrite_json(histories, "epoch", "comparison", lambda it, _: _of_comparison(it, "externalId", "payoutId"))
    rewrite_json(forgotten, "external_id", "said", lambda said, _: _renamed(said, "externalId", "payoutId"))
    with op.batch_alter_table("forgotten_payouts") as table:
        table.alter_column("external_id", new_column_name="payout_id", existing_type=sa.String(64))
    rewrite_json(payouts, "payout_id", "facts", lambda facts, _: _without(facts, NEW_FACTS))
    for rows in pages(observations, "observation_id"):
        gone = [row.observation_id for row in rows if json.loads(row.observation)["kind"] in NEW_KINDS]
        if gone:
            op.get_bind().execute(observations.delete().where(observations.c.observation_id.in_(gone)))
    rewrite_json(observations, "observation_id", "observation", lambda it, _: _asked_as_before(it))
    op.drop_table("payout_names")


def _named(facts: Json, row: Any) -> Json:
    """Of what it was asked for by. Whether that came into the provider's books nobody has written down, so it is
    given to no other payout."""
    attempts = facts.get("attempts", 0)
    if not attempts:
        return facts
    refused = sorted(facts.get("refusedAttempts", []))
    called = {
        attempt: f"{row.payout_id}-{earlier + 1}"
        if (earlier := sum(one < attempt for one in refused))
        else row.payout_id
        for attempt in range(1, attempts + 1)
    }
    own = sorted(set(called.values()))
    op.get_bind().execute(names.insert(), [{"external_id": one, "payout_id": row.payout_id} for one in own])
    spent = {called[attempt] for attempt in refused} | (set(own) if row.status in ENDED else set())
    return facts | {"externalIds": called, "booked": sorted(spent)}


def _require_that_a_bridge_of_before_finds_them() -> None:
    """It looks for each payout by its own id."""
    for rows in pages(payouts, "payout_id"):
        for row in rows:
            named = json.loads(row.facts).get("externalIds") or {}
            if row.status not in ENDED and any(one.partition("-")[0] != row.payout_id for one in named.values()):
                raise RuntimeError(
                    f"{row.payout_id} is {row.status}, and an older bridge does not know what it is called at its"
                    " provider: hold payouts, and settle those that were asked for first"
                )


def _asked_as_before(observation: Json) -> Json:
    return _without(observation, ("externalId",)) if observation["kind"] == "payout-asked" else observation


def _of_comparison(comparison: Json, old: str, new: str) -> Json:
    told = comparison.get("forgotten", [])
    return comparison | {"forgotten": [_renamed(one, old, new) for one in told]} if told else comparison


def _renamed(document: Json, old: str, new: str) -> Json:
    return {new if name == old else name: value for name, value in document.items()}


def _without(document: Json, fields: tuple[str, ...]) -> Json:
    return {name: value for name, value in document.items() if name not in fields}
