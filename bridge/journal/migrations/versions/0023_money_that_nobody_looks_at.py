"""Refunds that wait for an address and wallets that pay out are found by indexes, and a payment knows what each of
its payouts was worth."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from bridge.journal.migrations.rewriting import rewrite, rewrite_json

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

Json = dict[str, Any]

payments = sa.table("payments", *(sa.column(name) for name in ("payment_id", "facts", "problems")))
observations = sa.table("observations", sa.column("observation_id"), sa.column("observation"))
# What a bridge of before does not know.
NEW_FACTS = ("withheld",)
NEW_PROBLEMS = ("payment-overdrawn",)


def upgrade() -> None:
    op.create_index("ix_payouts_sender", "payouts", ["sender"], **_of("sender IS NOT NULL"))
    op.create_index("ix_refunds_awaiting_address", "refunds", ["opened_at"], **_of("status = 'awaiting_address'"))


def downgrade() -> None:
    op.drop_index("ix_refunds_awaiting_address", "refunds")
    op.drop_index("ix_payouts_sender", "payouts")
    rewrite_json(payments, "payment_id", "facts", lambda facts, _: _facts_as_before(facts))
    rewrite(payments, "payment_id", "problems", lambda text, _: _without_new_problems(text))
    op.execute(sa.update(payments).where(payments.c.problems == "").values(problems=None))
    rewrite_json(observations, "observation_id", "observation", lambda told, _: _told_without_a_worth(told))


def _of(those: str) -> Json:
    return {"sqlite_where": sa.text(those), "postgresql_where": sa.text(those)}


def _facts_as_before(facts: Json) -> Json:
    kept = {name: value for name, value in facts.items() if name not in NEW_FACTS}
    if facts.get("releases"):
        kept["releases"] = {
            seller_id: {payout_id: _without_a_worth(one) for payout_id, one in of_seller.items()}
            for seller_id, of_seller in facts["releases"].items()
        }
    return kept


def _told_without_a_worth(told: Json) -> Json:
    return _without_a_worth(told) if told.get("kind") == "escrow-released" else told


def _without_a_worth(content: Any) -> Any:
    if not isinstance(content, dict):
        return content
    return {name: value for name, value in content.items() if name != "worth"}


def _without_new_problems(text: str) -> str:
    return " ".join(kind for kind in text.split() if kind not in NEW_PROBLEMS)
