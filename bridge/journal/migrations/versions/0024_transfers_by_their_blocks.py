"""Transfers on chains are called by the block that holds them and their place in it; alarms are of several kinds."""

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from bridge.journal.migrations.rewriting import compact, rewrite

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

PAGE = 1_000
Json = dict[str, Any]

transfers = sa.table(
    "chain_transfers", *(sa.column(name) for name in ("chain", "transfer_id", "symbol", "recipient", "tx_hash"))
)
payments = sa.table("payments", sa.column("payment_id"), sa.column("facts"))
payouts = sa.table("payouts", sa.column("payout_id"), sa.column("facts"))
observations = sa.table("observations", sa.column("observation_id"), sa.column("observation"))
payout_observations = sa.table("payout_observations", sa.column("observation_id"), sa.column("observation"))
checkpoints = sa.table("chain_checkpoints", sa.column("chain"), sa.column("following"))
# What a bridge of before does not read of where a chain is followed to.
NEW_IN_FOLLOWING = ("checked_number",)


def upgrade() -> None:
    op.add_column("chain_transfers", sa.Column("tx_hash", sa.String(100)))
    op.add_column("chain_transfers", sa.Column("block_hash", sa.String(100)))
    for transfer_id in _transfer_ids():
        named = transfers.c.transfer_id == transfer_id
        tx_hash = transfer_id.partition("#")[0]
        op.get_bind().execute(sa.update(transfers).where(named).values(tx_hash=tx_hash))
    with op.batch_alter_table("chain_transfers") as table:
        table.alter_column("tx_hash", existing_type=sa.String(100), nullable=False)
        table.alter_column("transfer_id", existing_type=sa.String(100), type_=sa.String(200), existing_nullable=False)
    op.create_index("ix_chain_transfers_chain_tx_hash", "chain_transfers", ["chain", "tx_hash"])
    op.add_column("chain_alarms", sa.Column("kind", sa.String(32), nullable=False, server_default="taken-back"))


def downgrade() -> None:
    op.execute("DELETE FROM chain_alarms WHERE kind <> 'taken-back'")
    with op.batch_alter_table("chain_alarms") as table:
        table.drop_column("kind")
    _rename_transfers()
    op.drop_index("ix_chain_transfers_chain_tx_hash", "chain_transfers")
    with op.batch_alter_table("chain_transfers") as table:
        table.drop_column("tx_hash")
        table.drop_column("block_hash")
        table.alter_column("transfer_id", existing_type=sa.String(200), type_=sa.String(100), existing_nullable=False)
    rewrite(payments, "payment_id", "facts", lambda text, _: _facts_as_before(text))
    rewrite(payouts, "payout_id", "facts", lambda text, _: _facts_as_before(text))
    rewrite(observations, "observation_id", "observation", lambda text, _: _observation_as_before(text))
    rewrite(payout_observations, "observation_id", "observation", lambda text, _: _observation_as_before(text))
    rewrite(checkpoints, "chain", "following", lambda text, _: _following_as_before(text))


def _rename_transfers() -> None:
    groups: dict[tuple[str, ...], list[str]] = {}
    for row in op.get_bind().execute(sa.select(transfers)):
        groups.setdefault((row.chain, row.tx_hash, row.symbol, row.recipient), []).append(row.transfer_id)
    for (chain, tx_hash, symbol, recipient), names in groups.items():
        of_group = sa.and_(
            transfers.c.chain == chain, transfers.c.symbol == symbol, transfers.c.recipient == recipient
        )
        for old, new in _counted(tx_hash, names).items():
            change = sa.update(transfers).where(of_group, transfers.c.transfer_id == old)
            op.get_bind().execute(change.values(transfer_id=new))


def _counted(tx_hash: str, names: list[str]) -> dict[str, str]:
    """What a bridge of before calls the transfers of one transaction: by their numbers."""
    ordered = sorted(names, key=_place)
    return {name: f"{tx_hash}#{number}" if number else tx_hash for number, name in enumerate(ordered)}


def _place(name: str) -> tuple[int, ...]:
    place = name.partition("#")[2].partition("@")[0]
    return tuple(int(part) for part in place.removeprefix("call").split(".") if part)


def _facts_as_before(text: str) -> str:
    content = json.loads(text)
    if not content.get("sightings"):
        return text
    content["sightings"] = _sightings_as_before(content["sightings"])
    return compact(content)


def _sightings_as_before(sightings: list[Json]) -> list[Json]:
    by_transaction: dict[str, list[str]] = {}
    for one in sightings:
        name = one["transfer"]["transferId"]
        by_transaction.setdefault(name.partition("#")[0], []).append(name)
    names = {old: new for tx_hash, some in by_transaction.items() for old, new in _counted(tx_hash, some).items()}
    for one in sightings:
        one.pop("blockHash", None)
        one["transfer"]["transferId"] = names[one["transfer"]["transferId"]]
    return sorted(sightings, key=lambda one: str(one["transfer"]["transferId"]))


def _observation_as_before(text: str) -> str:
    if '"blockHash"' not in text:
        return text
    content = json.loads(text)
    content.get("sighting", {}).pop("blockHash", None)
    return compact(content)


def _following_as_before(text: str) -> str:
    content = {name: value for name, value in json.loads(text).items() if name not in NEW_IN_FOLLOWING}
    for one in content.get("awaited", ()):
        [one["sighting"]] = _sightings_as_before([one["sighting"]])
    return compact(content)


def _transfer_ids() -> Iterator[str]:
    """Each once, some at a time; two transfers may have the same."""
    after = ""
    while True:
        name = transfers.c.transfer_id
        statement = sa.select(name).distinct().where(name > after).order_by(name).limit(PAGE)
        found = op.get_bind().scalars(statement).all()
        if not found:
            return
        yield from found
        after = found[-1]
