"""Payouts can be doubted, contradicted and sent back; each counts for something in the currency of its payment, and
all can be held. The escrow follows the last that is known of each."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from bridge.journal.migrations.rewriting import rewrite_json

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
Json = dict[str, Any]

payments = sa.table("payments", sa.column("payment_id"), sa.column("facts"))
payouts = sa.table("payouts", *(sa.column(name) for name in ("payout_id", "facts", "status")))
observations = sa.table("payout_observations", sa.column("observation_id"), sa.column("observation"))
# What a bridge of before does not know.
NEW_FACTS = (
    *("refusedAttempts", "askedAt", "parts", "doubts", "contradictions"),
    *("revertedHashes", "disownedHashes", "returns"),
)
NEW_FIELDS = ("at", "aloneNext", "parts", "stated", "disownedHashes")


def upgrade() -> None:
    with op.batch_alter_table("payouts") as table:
        table.add_column(sa.Column("worth", sa.String(120)))
        table.add_column(sa.Column("ended_in_doubt", sa.Boolean, nullable=False, server_default=sa.false()))
        table.alter_column(
            "destination", existing_type=sa.String(200), type_=sa.String(1000), existing_nullable=False
        )
    rewrite_json(payouts, "payout_id", "facts", _failed_for_good)
    op.create_table(
        "payout_holds",
        sa.Column("hold_id", ROW_ID, nullable=False),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("held_by", sa.String(200), nullable=False),
        sa.Column("note", sa.Text, comment="Why"),
        sa.PrimaryKeyConstraint("hold_id", name="pk_payout_holds"),
        comment="At most one row: while it is there no payout is sent",
    )


def downgrade() -> None:
    op.drop_table("payout_holds")
    rewrite_json(payments, "payment_id", "facts", _without_steps)
    rewrite_json(payouts, "payout_id", "facts", lambda facts, _: _as_before(facts))
    rewrite_json(observations, "observation_id", "observation", lambda observation, _: _told_as_before(observation))
    op.execute(sa.update(payouts).where(payouts.c.status == "returned").values(status="completed"))
    with op.batch_alter_table("payouts") as table:
        table.drop_column("worth")
        table.drop_column("ended_in_doubt")
        table.alter_column(
            "destination", existing_type=sa.String(1000), type_=sa.String(200), existing_nullable=False
        )


def _failed_for_good(facts: Json, row: Any) -> Json:
    """Whoever said that a payout had failed knew its transactions."""
    hashes = facts.get("txHashes", [])
    return facts | {"disownedHashes": hashes} if row.status == "failed" and hashes else facts


def _without_steps(facts: Json, _row: Any) -> Json:
    releases = facts.get("releases")
    if not releases:
        return facts
    return facts | {
        "releases": {
            seller_id: {
                payout_id: one["release"] if isinstance(one, dict) else one for payout_id, one in of_seller.items()
            }
            for seller_id, of_seller in releases.items()
        }
    }


def _as_before(facts: Json) -> Json:
    kept = {name: value for name, value in facts.items() if name not in NEW_FACTS}
    if facts.get("doubts"):
        kept["unclear"] = sorted({*facts.get("unclear", []), *facts["doubts"]})
    return kept


def _told_as_before(observation: Json) -> Json:
    kept = {name: value for name, value in observation.items() if name not in NEW_FIELDS}
    match kept["kind"]:
        case "payout-in-doubt":
            return kept | {"kind": "payout-unclear"}
        case "payout-reverted":
            return {"kind": "payout-failed", "reason": kept["reason"]}
        case "payout-returned":
            return {"kind": "payout-settled", "reason": f"{kept['reason']} ({kept['txHash']})"}
    return kept
