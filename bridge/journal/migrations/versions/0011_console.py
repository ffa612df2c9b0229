"""What finance ops search by, what completed when, and what they did."""

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
PAGE = 1_000

INDEXES = (
    ("payments", ["created_at", "payment_id"]),
    ("payments", ["completed_at"]),
    ("payouts", ["created_at", "payout_id"]),
    ("payouts", ["completed_at"]),
    ("payouts", ["seller_id", "created_at"]),
)


def upgrade() -> None:
    op.create_table(
        "actions",
        sa.Column("action_id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("by", sa.String(200), nullable=False, comment="Who did it"),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False, comment="The webhook or payout that it was done to"),
        sa.Column("concerns", sa.String(64), comment="The payment or payout whose past it belongs to"),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("action_id", name="pk_actions"),
        comment="What people did in the console.",
    )
    op.create_index("ix_actions_concerns", "actions", ["concerns"])
    op.add_column("unreadable_webhooks", sa.Column("read_at", MOMENT, comment="When it was read after all"))
    for table, key, observations in (
        ("payments", "payment_id", "observations"),
        ("payouts", "payout_id", "payout_observations"),
    ):
        op.add_column(table, sa.Column("completed_at", MOMENT, comment="When it was first known to be completed"))
        op.add_column(
            table,
            sa.Column(
                "search_text",
                sa.Text,
                nullable=False,
                server_default="",
                comment="Its ids and transactions in lower case, one a line",
            ),
        )
        op.execute(
            f"UPDATE {table} SET completed_at = (SELECT MIN(seen.received_at) FROM {observations} AS seen"  # noqa: S608
            f" WHERE seen.{key} = {table}.{key} AND seen.status = 'completed')"
        )
        _fill_search_text(table, key)
    for table, columns in INDEXES:
        op.create_index(f"ix_{table}_{'_'.join(columns)}", table, columns)
    op.create_index(
        "ix_observations_kept",
        "observations",
        ["received_at"],
        sqlite_where=sa.text("payment_id IS NULL"),
        postgresql_where=sa.text("payment_id IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_observations_kept", "observations")
    for table, columns in INDEXES:
        op.drop_index(f"ix_{table}_{'_'.join(columns)}", table)
    for table in ("payments", "payouts"):
        op.drop_column(table, "search_text")
        op.drop_column(table, "completed_at")
    op.drop_column("unreadable_webhooks", "read_at")
    op.drop_index("ix_actions_concerns", "actions")
    op.drop_table("actions")


def _fill_search_text(table_name: str, key: str) -> None:
    connection = op.get_bind()
    table = sa.table(
        table_name,
        *(sa.column(name) for name in (key, "external_id", "request_id", "buyer_id", "seller_id", "checkout")),
        *(sa.column(name) for name in ("payment_id", "destination", "facts", "search_text") if name != key),
    )
    names = {
        "payments": (key, "external_id", "request_id", "buyer_id", "seller_id"),
        "payouts": (key, "payment_id", "seller_id", "destination"),
    }[table_name]
    read = [*names, "facts", *(["checkout"] if table_name == "payments" else [])]
    fill = table.update().where(table.c[key] == sa.bindparam("by_key"))
    fill = fill.values(search_text=sa.bindparam("new_search_text"))
    after = ""
    while True:
        statement = sa.select(*(table.c[name] for name in read)).where(table.c[key] > after).order_by(table.c[key])
        rows = connection.execute(statement.limit(PAGE)).mappings().all()
        if not rows:
            return
        found = [
            {"by_key": row[key], "new_search_text": _lines([*(row[name] for name in names), *_within(row)])}
            for row in rows
        ]
        connection.execute(fill, found)
        after = rows[-1][key]


def _lines(names: list[str]) -> str:
    return "\n".join(dict.fromkeys(name.lower() for name in names))


def _within(row: Any) -> Iterator[str]:
    """The ids that stand in the JSON of a payment or a payout."""
    facts = json.loads(row["facts"])
    checkout = json.loads(row["checkout"]) if row.get("checkout") else None
    if checkout:
        yield checkout["checkoutId"]
        for share in checkout["shares"]:
            yield share["requestId"]
            yield share["sellerId"]
    if facts.get("taskId"):
        yield facts["taskId"]
    yield from facts.get("txHashes", ())
    transfers = [*facts.get("confirmed", ()), *facts.get("seen", ())] if "standing" in facts else []
    transfers += [sighting["transfer"] for sighting in facts.get("sightings", ())]
    for transfer in transfers:
        yield transfer["transferId"].partition("#")[0]
    yield from facts.get("hints", ())
