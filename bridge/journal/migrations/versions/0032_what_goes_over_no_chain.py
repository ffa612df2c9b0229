"""Payments are paid at checkouts too, and may be disputed; payouts go to banks too, and come back by themselves."""

import json
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

from bridge.journal.migrations.rewriting import compact, rewrite_json

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

Json = dict[str, Any]

payments = sa.table("payments", sa.column("payment_id"), sa.column("facts"))
observations = sa.table("observations", sa.column("observation_id"), sa.column("observation"))
invoices = sa.table("invoices", *(sa.column(name) for name in ("payment_id", "coin", "opened")))
payouts = sa.table("payouts", sa.column("payout_id"), sa.column("facts"))
times = sa.table(
    "payouts",
    sa.column("payout_id"),
    sa.column("status"),
    sa.column("cleared_at", sa.DateTime(timezone=True)),
    sa.column("overdue_at", sa.DateTime(timezone=True)),
)
A_DAY, ENDED = timedelta(days=1), ("completed", "failed", "returned")
told_of_payouts = sa.table("payout_observations", sa.column("observation_id"), sa.column("observation"))

OF_PAYOUTS, OF_WORDS = (
    ("overNoChain", "expectedWithinSeconds", "returnReasons"),
    ("overNoChain", "expectedWithinSeconds"),
)


def upgrade() -> None:
    op.add_column("payouts", sa.Column("overdue_at", sa.DateTime(timezone=True)))
    bind = op.get_bind()
    # Of one that has ended nobody asks any more.
    going_on = times.c.cleared_at.is_not(None), times.c.status.not_in(ENDED)
    for row in bind.execute(sa.select(times.c.payout_id, times.c.cleared_at).where(*going_on)).all():
        of_this = sa.update(times).where(times.c.payout_id == row.payout_id)
        bind.execute(of_this.values(overdue_at=row.cleared_at + A_DAY))


def downgrade() -> None:
    _require_that_all_went_over_chains()
    rewrite_json(payments, "payment_id", "facts", lambda facts, _: _without(facts, ("disputes",)))
    rewrite_json(payouts, "payout_id", "facts", lambda facts, _: _without(facts, OF_PAYOUTS))
    rewrite_json(told_of_payouts, "observation_id", "observation", lambda told, _: _without(told, OF_WORDS))
    for row in op.get_bind().execute(sa.select(invoices).where(invoices.c.opened.is_not(None))).all():
        before = compact(_without(json.loads(row.opened), ("checkoutUrl",)))
        is_this = invoices.c.payment_id == row.payment_id, invoices.c.coin == row.coin
        op.get_bind().execute(sa.update(invoices).where(*is_this).values(opened=before))
    with op.batch_alter_table("payouts") as table:
        table.drop_column("overdue_at")


def _require_that_all_went_over_chains() -> None:
    """A bridge of before cannot read anything else."""
    bind = op.get_bind()
    others = [
        sa.select(sa.func.count()).where(invoices.c.opened.like('%"checkoutUrl":"%')),
        sa.select(sa.func.count()).where(payments.c.facts.like('%"disputes":{"%')),
        sa.select(sa.func.count()).where(observations.c.observation.like('%"refunded-there"%')),
        sa.select(sa.func.count()).where(payouts.c.facts.like('%"overNoChain":true%')),
    ]
    if any(bind.execute(statement).scalar_one() for statement in others):
        raise RuntimeError("there are payments or payouts over no chain, which an older bridge cannot read")


def _without(content: Json, names: tuple[str, ...]) -> Json:
    return {name: value for name, value in content.items() if name not in names}
