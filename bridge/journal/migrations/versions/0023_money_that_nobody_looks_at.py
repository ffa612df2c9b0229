"""Refunds that wait for an address and wallets that pay out are found by indexes, and a payment knows what each of
its payouts was worth."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

PAGE = 1_000
Json = dict[str, Any]

payments = sa.table("payments", *(sa.column(name) for name in ("payment_id", "facts", "problems")))
observations = sa.table("observations", sa.column("observation_id"), sa.column("observation"))
# What a bridge of before does not know.
NEW_PROBLEMS = ("payment-overdrawn",)


def upgrade() -> None:
    op.create_index("ix_payouts_sender", "payouts", ["sender"], **_of("sender IS NOT NULL"))
    op.create_index("ix_refunds_awaiting_address", "refunds", ["opened_at"], **_of("status = 'awaiting_address'"))


def downgrade() -> None:
    op.drop_index("ix_refunds_awaiting_address", "refunds")
    op.drop_index("ix_payouts_sender", "payouts")
    _rewrite(payments, "payment_id", "facts", _without_worths)
    _rewrite(payments, "payment_id", "problems", _without_new_problems)
    op.execute(sa.update(payments).where(payments.c.problems == "").values(problems=None))
    _rewrite(observations, "observation_id", "observation", _told_without_a_worth)


def _of(those: str) -> Json:
    return {"sqlite_where": sa.text(those), "postgresql_where": sa.text(those)}


def _without_worths(text: str) -> str:
    facts = json.loads(text)
    releases = facts.get("releases")
    if not releases:
        return text
    kept = {
        seller_id: {payout_id: _without_a_worth(one) for payout_id, one in of_seller.items()}
        for seller_id, of_seller in releases.items()
    }
    return _text(facts | {"releases": kept})


def _told_without_a_worth(text: str) -> str:
    told = json.loads(text)
    return _text(_without_a_worth(told)) if told.get("kind") == "escrow-released" else text


def _without_a_worth(content: Any) -> Any:
    if not isinstance(content, dict):
        return content
    return {name: value for name, value in content.items() if name != "worth"}


def _without_new_problems(text: str) -> str:
    return " ".join(kind for kind in text.split() if kind not in NEW_PROBLEMS)


def _text(content: Json) -> str:
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False)


def _rewrite(table: sa.TableClause, key: str, name: str, rewritten: Callable[[str], str]) -> None:
    connection, identifier = op.get_bind(), table.c[key]
    change = table.update().where(identifier == sa.bindparam("by_key")).values({name: sa.bindparam("new_text")})
    for rows in _pages(connection, table, identifier, table.c[name]):
        changed = [
            {"by_key": row._mapping[key], "new_text": after}
            for row in rows
            if (after := rewritten(row._mapping[name])) != row._mapping[name]
        ]
        if changed:
            connection.execute(change, changed)


def _pages(connection: sa.Connection, table: sa.TableClause, identifier: Any, column: Any) -> Iterator[Any]:
    after = None
    while True:
        statement = sa.select(table).where(column.is_not(None)).order_by(identifier).limit(PAGE)
        if after is not None:
            statement = statement.where(identifier > after)
        rows = connection.execute(statement).all()
        if not rows:
            return
        yield rows
        after = rows[-1]._mapping[identifier.name]
