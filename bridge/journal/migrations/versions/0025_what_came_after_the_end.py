"""Payments that were refunded are found by the index of those that ended; of a name that was forgotten each coin has
its own row."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

ENDED, ENDED_UNPAID = "ix_payments_ended", "ix_payments_ended_unpaid"
FORGOTTEN_KEY = "pk_forgotten_payouts"

forgotten = sa.table("forgotten_payouts", *(sa.column(name) for name in ("external_id", "coin", "found_at")))
actions = sa.table("actions", sa.column("subject"))


def upgrade() -> None:
    _exchange_index(ENDED_UNPAID, ENDED, "status IN ('expired', 'cancelled', 'failed', 'refunded')")
    with op.batch_alter_table("forgotten_payouts") as table:
        table.drop_constraint(FORGOTTEN_KEY, type_="primary")
        table.create_primary_key(FORGOTTEN_KEY, ["external_id", "coin"])
    for row in op.get_bind().execute(sa.select(forgotten)).all():
        _rename(f"payout-forgotten:{row.external_id}", f"payout-forgotten:{row.external_id}:{row.coin}")


def downgrade() -> None:
    for row in op.get_bind().execute(sa.select(forgotten).order_by(forgotten.c.found_at)).all():
        _rename(f"payout-forgotten:{row.external_id}:{row.coin}", f"payout-forgotten:{row.external_id}")
    # A bridge of before knows a name in one coin.
    other = forgotten.alias()
    same_name = sa.exists().where(other.c.external_id == forgotten.c.external_id, other.c.coin < forgotten.c.coin)
    op.get_bind().execute(sa.delete(forgotten).where(same_name))
    with op.batch_alter_table("forgotten_payouts") as table:
        table.drop_constraint(FORGOTTEN_KEY, type_="primary")
        table.create_primary_key(FORGOTTEN_KEY, ["external_id"])
    _exchange_index(ENDED, ENDED_UNPAID, "status IN ('expired', 'cancelled', 'failed')")


def _exchange_index(old: str, new: str, those: str) -> None:
    op.drop_index(old, "payments")
    columns = ["provider", "updated_at", "payment_id"]
    op.create_index(new, "payments", columns, sqlite_where=sa.text(those), postgresql_where=sa.text(those))


def _rename(old: str, new: str) -> None:
    """What was dismissed stays so."""
    op.get_bind().execute(sa.update(actions).where(actions.c.subject == old).values(subject=new))
