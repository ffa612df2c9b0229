"""Payouts above a limit wait for a second person, and sellers have lists of destinations."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from bridge.journal.migrations.rewriting import rewrite_json

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

Json = dict[str, Any]

payments = sa.table("payments", sa.column("payment_id"), sa.column("currency"))
payouts = sa.table(
    "payouts",
    *(
        sa.column(name)
        for name in ("payout_id", "payment_id", "facts", "status", "created_at", "worth_currency", "cleared_at")
    ),
)
observations = sa.table("payout_observations", sa.column("observation_id"), sa.column("observation"))
# What a bridge of before does not know.
NEW_FACTS = ("withheld", "approved", "rejected")


def upgrade() -> None:
    op.add_column("payouts", sa.Column("worth_currency", sa.String(32)))
    op.add_column("payouts", sa.Column("asked_by", sa.String(200)))
    op.add_column("payouts", sa.Column("asked_through", sa.String(200)))
    op.add_column("payouts", sa.Column("cleared_at", sa.DateTime(timezone=True)))
    currency = sa.select(payments.c.currency).where(payments.c.payment_id == payouts.c.payment_id)
    op.execute(sa.update(payouts).values(worth_currency=currency.scalar_subquery(), cleared_at=payouts.c.created_at))
    op.create_index("ix_payouts_worth_currency_cleared_at", "payouts", ["worth_currency", "cleared_at"])
    op.create_table(
        "allowed_destinations",
        sa.Column("seller_id", sa.String(200), nullable=False),
        sa.Column("destination", sa.String(200), nullable=False),
        sa.Column("coin", sa.String(64), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("added_by", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("seller_id", "destination", name="pk_allowed_destinations"),
        comment="Where sellers may be paid without a second person, where that is asked for",
    )


def downgrade() -> None:
    _require_that_none_waits()
    rewrite_json(payouts, "payout_id", "facts", lambda facts, _: _without_approval(facts))
    rewrite_json(observations, "observation_id", "observation", lambda told, _: _told_as_before(told))
    op.drop_table("allowed_destinations")
    op.drop_index("ix_payouts_worth_currency_cleared_at", "payouts")
    with op.batch_alter_table("payouts") as table:
        for name in ("worth_currency", "asked_by", "asked_through", "cleared_at"):
            table.drop_column(name)


def _require_that_none_waits() -> None:
    """A bridge of before would send them at once."""
    waiting = sa.select(sa.func.count()).select_from(payouts).where(payouts.c.status == "awaiting_approval")
    count = op.get_bind().execute(waiting).scalar_one()
    if count:
        raise RuntimeError(
            f"{count} payouts await approval, and an older bridge would send them: approve or reject them first"
        )


def _without_approval(facts: Json) -> Json:
    return {name: value for name, value in facts.items() if name not in NEW_FACTS}


def _told_as_before(observation: Json) -> Json:
    match observation["kind"]:
        case "payout-withheld":
            said = f"it awaited approval: {'; '.join(observation['reasons'])}"
        case "payout-approved":
            said = f"{observation['word']['by']} approved it"
        case "payout-rejected":
            return {"kind": "payout-failed", "reason": observation["reason"]}
        case _:
            return observation
    return {"kind": "payout-not-asked", "attempt": 1, "reason": said}
