"""Journals of a bridge that called transfers by their transaction and a number: what was counted counts once."""

from decimal import Decimal
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from bridge.journal import Journal
from bridge.journal.database.engines import parse_database_url, writing_engine
from bridge.journal.database.schema_versions import MIGRATIONS
from coordinator.payments.observed.observations import TransactionHinted
from coordinator.payments.payments import PaymentStatus
from tests.anvil import BOB, CAROL, Anvil
from tests.bridge.workers.chains.followed_chain import CONFIRMATIONS, Followed, following

BEFORE = "0021"


async def as_before(it: Followed, folder: Path) -> list[tuple[str, str]]:
    """Takes the journal back to what a bridge of before wrote, and opens it. Returns what transfers were called."""
    await it.journal.close()
    url = f"sqlite:///{folder / 'journal.db'}"
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = writing_engine(parse_database_url(url))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, BEFORE)
    engine.dispose()
    engine = create_engine(url)
    with engine.connect() as connection:
        names = connection.execute(text("SELECT transfer_id, recipient FROM chain_transfers ORDER BY 1, 2"))
        found = [(row.transfer_id, row.recipient) for row in names]
        facts = connection.execute(text("SELECT facts FROM payments")).scalars().all()
        [followed] = connection.execute(text("SELECT following FROM chain_checkpoints")).scalars()
        assert "blockHash" not in "".join((*facts, followed))
        assert "@" not in "".join((*facts, followed))
    engine.dispose()
    it.journal = await Journal.open(url)
    it.follower = it.new_follower()
    return found


async def test_what_was_counted_before_stays_counted_once_whoever_tells_of_it_again(
    anvil: Anvil, tmp_path: Path
) -> None:
    async with following(anvil, tmp_path) as it:
        await it.follow()
        await it.register("pay_1", recipient=BOB)
        await it.register("pay_2", recipient=CAROL)
        forwarder = anvil.deploy("Forwarder")
        it.pay(100, forwarder)
        data = anvil.call_data("Forwarder", "forwardToken", it.token, [BOB, CAROL, BOB], 20 * 10**6)
        final = anvil.send(forwarder, data=data)
        anvil.mine()
        await it.follow(CONFIRMATIONS)
        mined = it.pay(30)
        await it.follow()
        names = await as_before(it, tmp_path)
        assert names == sorted([(final, BOB), (f"{final}#1", BOB), (final, CAROL), (mined, BOB)])

        for payment_id in ("pay_1", "pay_2"):  # somebody names the transaction that was counted
            recorded = await it.journal.record_observation(
                provider="onchain",
                external_id=payment_id,
                key=f"hint {payment_id}",
                observation=TransactionHinted(hinted=final),
            )
            assert recorded.payment is not None
            it.watch(recorded.payment)
        await it.follow(CONFIRMATIONS + 3)
        first, second = await it.payment("pay_1"), await it.payment("pay_2")
        assert (first.received, second.received) == (Decimal(70), Decimal(20))
        assert first.status is second.status is PaymentStatus.PARTIALLY_PAID

        # Where the chain took back what was final, and holds it again in another block, it counts once too.
        raw = anvil.ask("eth_getRawTransactionByHash", final)
        held_by = anvil.ask("eth_getTransactionReceipt", final)["blockNumber"]
        anvil.reorganise(anvil.head() - int(held_by, 16) + 1)
        anvil.ask("eth_sendRawTransaction", raw)
        await it.follow(CONFIRMATIONS + 3)
        assert anvil.ask("eth_getTransactionReceipt", final)["blockNumber"] != held_by
        assert [kind for kind, _ in await it.alarms()] == ["taken-back"]
        assert (await it.payment("pay_1")).received == Decimal(70)
        assert (await it.payment("pay_2")).received == Decimal(20)
