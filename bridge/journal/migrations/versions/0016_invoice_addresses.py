"""Every address that a provider ever gave for a payment, and where the buyer goes back to from its page."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

invoices = sa.table("invoices", *(sa.column(name) for name in ("payment_id", "coin", "wanted_at", "opened")))
# What an invoice says since, and a bridge of before would not read.
ADDED = (
    "coin_decimals",
    "asked",
    "uri_template",
    "whole_only",
    "price_seconds",
    "lapses_at",
    "quoted_until",
    "also_at",
)


def upgrade() -> None:
    op.add_column("payments", sa.Column("return_url", sa.Text))
    addresses = op.create_table(
        "invoice_addresses",
        sa.Column("payment_id", sa.String(64), nullable=False),
        sa.Column("coin", sa.String(64), nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("payment_id", "coin", "address", name="pk_invoice_addresses"),
        comment="Every address that a provider ever gave for a payment; money to an old one is the payment's too",
    )
    for row in _opened():
        given = {"payment_id": row.payment_id, "coin": row.coin, "address": json.loads(row.opened)["address"]}
        statement = sa.insert(addresses).from_select(
            [*given, "given_at"],
            sa.select(*(sa.literal(value) for value in given.values()), invoices.c.wanted_at).where(_is(row)),
        )
        op.get_bind().execute(statement)


def downgrade() -> None:
    with op.batch_alter_table("payments") as payments:
        payments.drop_column("return_url")
    op.drop_table("invoice_addresses")
    for row in _opened():
        said = {name: value for name, value in json.loads(row.opened).items() if _snake(name) not in ADDED}
        statement = sa.update(invoices).where(_is(row)).values(opened=json.dumps(said, ensure_ascii=False))
        op.get_bind().execute(statement)


def _opened() -> list[sa.Row[Any]]:
    statement = sa.select(invoices.c.payment_id, invoices.c.coin, invoices.c.opened)
    return list(op.get_bind().execute(statement.where(invoices.c.opened.is_not(None))))


def _is(row: sa.Row[Any]) -> sa.ColumnElement[bool]:
    return sa.and_(invoices.c.payment_id == row.payment_id, invoices.c.coin == row.coin)


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
