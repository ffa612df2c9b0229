"""Payments are paid at checkouts too, and may be disputed; payouts go to banks too, and come back by themselves."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

from bridge.journal.migrations.rewriting import compact, rewrite_json

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

Json = dict[str, Any]

payments = sa.table("payments", sa.column("payment_id"), sa.column("facts"))
observations = sa.table("observations", sa.column("observation_id"), sa.column("observation"))
invoices = sa.table("invoices", sa.column("opened"))
payouts = sa.table("payouts", sa.column("payout_id"), sa.column("facts"))
told_of_payouts = sa.table("payout_observations", sa.column("observation_id"), sa.column("observation"))

OF_PAYMENTS, OF_PRICES = ("atCheckout", "disputes"), ("atCheckout",)
OF_PAYOUTS, OF_WORDS = (
    ("overNoChain", "expectedWithinSeconds", "returnReasons"),
    ("overNoChain", "expectedWithinSeconds"),
)


def upgrade() -> None:
    """What is there went over chains."""


def downgrade() -> None:
    _require_that_all_went_over_chains()
    rewrite_json(payments, "payment_id", "facts", lambda facts, _: _without(facts, OF_PAYMENTS))
    rewrite_json(observations, "observation_id", "observation", lambda told, _: _without(told, OF_PRICES))
    rewrite_json(payouts, "payout_id", "facts", lambda facts, _: _without(facts, OF_PAYOUTS))
    rewrite_json(told_of_payouts, "observation_id", "observation", lambda told, _: _without(told, OF_WORDS))
    opened = sa.select(invoices.c.opened).distinct().where(invoices.c.opened.is_not(None))
    for said in op.get_bind().scalars(opened).all():
        before = compact(_without(json.loads(said), ("checkoutUrl",)))
        op.get_bind().execute(sa.update(invoices).where(invoices.c.opened == said).values(opened=before))


def _require_that_all_went_over_chains() -> None:
    """A bridge of before cannot read anything else."""
    bind = op.get_bind()
    others = [
        sa.select(sa.func.count()).where(payments.c.facts.like('%"atCheckout":true%')),
        sa.select(sa.func.count()).where(payments.c.facts.like('%"disputes":{"%')),
        sa.select(sa.func.count()).where(observations.c.observation.like('%"refunded-there"%')),
        sa.select(sa.func.count()).where(payouts.c.facts.like('%"overNoChain":true%')),
    ]
    if any(bind.execute(statement).scalar_one() for statement in others):
        raise RuntimeError("there are payments or payouts over no chain, which an older bridge cannot read")


def _without(content: Json, names: tuple[str, ...]) -> Json:
    return {name: value for name, value in content.items() if name not in names}
