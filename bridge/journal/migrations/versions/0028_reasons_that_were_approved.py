"""An approval says for which reasons a payout was withheld by then: what is told afterwards has it wait once more. A
payment knows which others claim its addresses and its money, and all know at whose word money is there."""

import re
from typing import Any

import sqlalchemy as sa
from alembic import op

from bridge.journal.migrations.rewriting import rewrite_json

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

Json = dict[str, Any]

payments = sa.table("payments", sa.column("payment_id"), sa.column("facts"))
payouts = sa.table("payouts", *(sa.column(name) for name in ("payout_id", "facts", "status")))
observations = sa.table("payout_observations", sa.column("observation_id"), sa.column("observation"))
CONTENDER = re.compile(r"(\S+) was given or told of ")


def upgrade() -> None:
    rewrite_json(payouts, "payout_id", "facts", lambda facts, _: _with_reasons(facts))
    rewrite_json(payments, "payment_id", "facts", lambda facts, _: _with_contenders(facts))


def downgrade() -> None:
    _require_that_none_waits_once_more()
    rewrite_json(payouts, "payout_id", "facts", lambda facts, _: _without(facts, "approvedReasons", "foundBy"))
    rewrite_json(payments, "payment_id", "facts", lambda facts, _: _without(facts, "contestedBy", "acceptedBy"))
    rewrite_json(observations, "observation_id", "observation", lambda told, _: _told_as_before(told))


def _with_reasons(facts: Json) -> Json:
    """Who approved it approved all that was said of it."""
    return {**facts, "approvedReasons": facts.get("withheld", [])} if facts.get("approved") else facts


def _with_contenders(facts: Json) -> Json:
    """They were told to a person alone."""
    told = [one["detail"] for one in facts.get("misfits", []) if one["kind"] == "claimed-twice"]
    contenders = sorted({found[1] for one in told if (found := CONTENDER.match(one))})
    return {**facts, "contestedBy": contenders} if contenders else facts


def _require_that_none_waits_once_more() -> None:
    """A bridge of before takes one approval for all that is told later."""
    waiting = sa.select(sa.func.count()).where(
        payouts.c.status == "awaiting_approval", payouts.c.facts.like('%"approved":{%')
    )
    count = op.get_bind().execute(waiting).scalar_one()
    if count:
        raise RuntimeError(
            f"{count} payouts await a second approval, and an older bridge would send them: approve or reject them"
            " first"
        )


def _told_as_before(told: Json) -> Json:
    match told.get("kind"):
        case "payout-approved":
            return _without(told, "reasons")
        case "payout-failed" | "payout-returned":
            return _without(told, "foundBy")
    return told


def _without(content: Json, *names: str) -> Json:
    return {name: value for name, value in content.items() if name not in names}
