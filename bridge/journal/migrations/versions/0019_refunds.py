"""Money can go back to the buyer: refunds, and the payouts that carry them."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

from bridge.journal.migrations.rewriting import pages, rewrite_json

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

Json = dict[str, Any]

payments = sa.table("payments", *(sa.column(name) for name in ("payment_id", "facts", "status")))
observations = sa.table("observations", *(sa.column(name) for name in ("observation_id", "observation")))
# What a bridge of before does not know.
NEW_FACTS = ("refunds", "refundedSiblings")
NEW_KINDS = ("refund-moved", "sibling-refunded")


def upgrade() -> None:
    op.add_column("payouts", sa.Column("refund_id", sa.String(64)))
    op.add_column("payouts", sa.Column("buyer_id", sa.String(200)))
    op.create_table(
        "refunds",
        sa.Column("refund_id", sa.String(64), nullable=False),
        sa.Column("payment_id", sa.String(64), nullable=False),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("buyer_id", sa.String(200), nullable=False),
        sa.Column("seller_id", sa.String(200)),
        sa.Column("of", sa.String(32), nullable=False),
        sa.Column("amount", sa.String(120), nullable=False),
        sa.Column("currency", sa.String(32), nullable=False),
        sa.Column("coin", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("opened_by", sa.String(200), nullable=False),
        sa.Column("opened_through", sa.String(200)),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cancelled_by", sa.String(200)),
        sa.Column("payout_id", sa.String(64)),
        sa.Column("destination", sa.String(1000)),
        sa.Column("coin_amount", sa.String(120)),
        sa.Column("given_by", sa.String(200)),
        sa.Column("given_at", sa.DateTime(timezone=True)),
        sa.Column("payout_status", sa.String(32)),
        sa.Column("tx_hash", sa.String(200)),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("refund_id", name="pk_refunds"),
        comment="Orders to send money of a payment back to its buyer",
    )
    op.create_index("ix_refunds_payment_id", "refunds", ["payment_id"])


def downgrade() -> None:
    """What went back stays what it is to a bridge of before: a payment that its gateway refunded, where all of it
    did; and a payout, which counts against what its seller has earned."""
    _require_that_none_is_open()
    op.drop_table("refunds")
    with op.batch_alter_table("payouts") as table:
        table.drop_column("refund_id")
        table.drop_column("buyer_id")
    rewrite_json(payments, "payment_id", "facts", _as_before)
    for rows in pages(observations, "observation_id"):
        gone = [row.observation_id for row in rows if json.loads(row.observation)["kind"] in NEW_KINDS]
        if gone:
            op.get_bind().execute(observations.delete().where(observations.c.observation_id.in_(gone)))


def _require_that_none_is_open() -> None:
    """A bridge of before would pay their money out to the sellers."""
    refunds = sa.table("refunds", sa.column("status"))
    waiting = sa.select(sa.func.count()).select_from(refunds).where(refunds.c.status == "awaiting_address")
    count = op.get_bind().execute(waiting).scalar_one()
    if count:
        raise RuntimeError(
            f"{count} refunds wait for their buyers' addresses, and an older bridge does not know of them: withdraw"
            " them first"
        )


def _as_before(facts: Json, row: Any) -> Json:
    if not any(name in facts for name in NEW_FACTS):
        return facts
    kept = {name: value for name, value in facts.items() if name not in NEW_FACTS}
    if row.status == "refunded" and "refunded" not in kept.get("endings", []):
        kept["endings"] = [*kept.get("endings", []), "refunded"]
    return kept
