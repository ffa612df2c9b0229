"""Payouts are found by what carried them or brought them back, so that no transaction is taken for two of them."""

import json

import sqlalchemy as sa
from alembic import op

from bridge.journal.migrations.rewriting import pages

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

payouts = sa.table("payouts", sa.column("payout_id"), sa.column("facts"))
transactions = sa.table("payout_transactions", sa.column("tx_key"), sa.column("payout_id"))


def upgrade() -> None:
    op.create_table(
        "payout_transactions",
        sa.Column("tx_key", sa.String(600), nullable=False),
        sa.Column("payout_id", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("tx_key", "payout_id", name="pk_payout_transactions"),
        comment="Transactions that carried payouts or brought them back, and payments of Lightning that are to",
    )
    for rows in pages(payouts, "payout_id"):
        found = [{"tx_key": key, "payout_id": row.payout_id} for row in rows for key in _keys(json.loads(row.facts))]
        if found:
            op.get_bind().execute(transactions.insert(), found)


def downgrade() -> None:
    op.drop_table("payout_transactions")


def _keys(facts: dict[str, list[str]]) -> list[str]:
    hashes = [*facts.get("txHashes", []), *facts.get("returns", [])]
    return sorted({tx_hash.casefold().removeprefix("0x") for tx_hash in hashes})
