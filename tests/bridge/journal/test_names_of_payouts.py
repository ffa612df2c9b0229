"""Names of payouts in the journal, on both databases: given with the first attempt, passed on, and those that an
older bridge gave."""

import asyncio
import json
from typing import Any

import pytest
from alembic import command
from sqlalchemy import text

from bridge.journal import Journal
from bridge.journal.database.engines import parse_database_url, writing_engine
from coordinator.ids import derived_id
from coordinator.payouts.comparisons import ForgottenPayout
from coordinator.payouts.observations import PayoutBooked, PayoutFailed
from coordinator.payouts.payouts import Payout
from coordinator.payouts.provider_names import Installation
from tests.attempts import begin_attempts
from tests.bridge.conftest import INSTALLATION
from tests.bridge.journal.conftest import NOW
from tests.bridge.journal.older_journals import migrate
from tests.bridge.journal.sales import paid, paid_out, payout
from tests.clock import Clock

REFUSED = PayoutFailed(reason="SHKeeper refused it")


def name(number: int, ordinal: int = 0, installation: str = INSTALLATION.key) -> str:
    return derived_id("out", installation, "shkeeper", f"order-{number}", f"seller-{number % 2}", ordinal)


async def known(journal: Journal, payout_id: str) -> Payout:
    [record] = await journal.payouts.records([payout_id])
    return record.payout


async def test_a_payout_is_named_when_it_is_asked_for_and_found_by_its_name_from_then_on(journal: Journal) -> None:
    await paid(journal, 1)
    await paid_out(journal, payout(1))
    assert (await known(journal, "out_1")).external_id is None
    assert await begin_attempts(journal, "out_1") == {"out_1": 1}
    found = await journal.payouts.called("shkeeper", name(1), "ETH-USDT")
    assert found is not None
    assert (found.payout_id, found.external_id) == ("out_1", name(1))
    assert await journal.payouts.called("another", name(1), None) is None


@pytest.mark.parametrize("is_booked", [True, False])
async def test_the_name_of_a_payout_that_failed_is_the_next_ones_unless_the_provider_has_it(
    journal: Journal, is_booked: bool
) -> None:
    await paid(journal, 1)
    await paid_out(journal, payout(1))
    await begin_attempts(journal, "out_1")
    if is_booked:
        await journal.payouts.record_observation("out_1", "booked", PayoutBooked(external_id=name(1)))
    await journal.payouts.record_observation("out_1", "failed", REFUSED)
    await paid_out(journal, payout(1, payout_id="out_2"))
    await begin_attempts(journal, "out_2")
    names = [(await known(journal, payout_id)).external_id for payout_id in ("out_1", "out_2")]
    assert names == ([name(1), name(1, 1)] if is_booked else [None, name(1)])
    called = await journal.payouts.called("shkeeper", name(1), "ETH-USDT")
    assert called is not None
    assert called.payout_id == ("out_1" if is_booked else "out_2")


async def test_in_another_coin_the_one_that_failed_keeps_its_name_and_each_is_told_of_by_its_coin(
    journal: Journal,
) -> None:
    await paid(journal, 1)
    await paid_out(journal, payout(1))
    await begin_attempts(journal, "out_1")
    await journal.payouts.record_observation("out_1", "failed", REFUSED)
    await paid_out(journal, payout(1, payout_id="out_2", coin="BTC"))
    await begin_attempts(journal, "out_2")
    found = [await journal.payouts.called("shkeeper", name(1), coin) for coin in ("ETH-USDT", "BTC", None)]
    assert [one and one.payout_id for one in found] == ["out_1", "out_2", "out_2"]


async def test_of_two_that_are_asked_for_at_once_only_one_gets_a_name(journal: Journal) -> None:
    await paid(journal, 1)
    for payout_id in ("out_1", "out_2"):
        await paid_out(journal, payout(1, payout_id=payout_id), another=True)
    assert await begin_attempts(journal, "out_1", "out_2") == {"out_1": 1}
    assert await begin_attempts(journal, "out_2") == {"out_2": 1}
    assert (await known(journal, "out_2")).external_id == name(1, 1)


# Versions of the schema

OLDER: dict[str, dict[str, Any]] = {
    "out_1": {"attempts": 1, "known": True, "taskId": "t1"},
    "out_2": {"attempts": 2, "voidAttempts": [1], "refusedAttempts": [1], "known": True},
    "out_3": {"attempts": 1, "failures": ["it was refused"]},
    "out_4": {},
}
SAID = {"provider": "shkeeper", "paymentId": "pay_1", "payeeId": "seller-1", "coin": "BTC", "status": "SUCCESS"}


def rewrite(database_url: str) -> None:
    engine = writing_engine(parse_database_url(database_url))
    with engine.begin() as connection:
        for payout_id, facts in OLDER.items():
            status = "failed" if "failures" in facts else "created"
            connection.execute(
                text("UPDATE payouts SET facts = :facts, status = :status WHERE payout_id = :payout_id"),
                {"facts": json.dumps(facts), "status": status, "payout_id": payout_id},
            )
        connection.execute(
            text(
                "INSERT INTO forgotten_payouts (payout_id, provider, payment_id, payee_id, coin, said, found_at)"
                " VALUES ('out_9', 'shkeeper', 'pay_1', 'seller-1', 'BTC', :said, '2026-01-01')"
            ),
            {"said": json.dumps({"payoutId": "out_9", **SAID})},
        )
    engine.dispose()


async def test_payouts_of_an_older_bridge_keep_the_names_that_they_were_asked_for_by(database_url: str) -> None:
    journal = await Journal.open(database_url, Clock(NOW))
    for number in range(1, 5):
        await paid(journal, number)
        await paid_out(journal, payout(number))
    await journal.close()
    await asyncio.to_thread(migrate, database_url, command.downgrade, "0021")
    await asyncio.to_thread(rewrite, database_url)
    journal = await Journal.open(database_url, Clock(NOW))
    names = [(await known(journal, payout_id)).external_id for payout_id in OLDER]
    assert names == ["out_1", "out_2-2", "out_3", None]
    for external_id, payout_id in (("out_1", "out_1"), ("out_2", "out_2"), ("out_2-2", "out_2")):
        found = await journal.payouts.called("shkeeper", external_id, None)
        assert found is not None
        assert found.payout_id == payout_id
    # Whether the provider has it nobody has written down.
    assert (await known(journal, "out_3")).holds("out_3")
    [forgotten] = await journal.history.forgotten_payouts()
    assert forgotten.payout == ForgottenPayout.model_validate({"externalId": "out_9", **SAID})
    await journal.close()
    await asyncio.to_thread(migrate, database_url, command.downgrade, "0021")
    journal = await Journal.open(database_url, Clock(NOW))
    assert await begin_attempts(journal, "out_4") == {"out_4": 1}
    # It says whose it is by its first history, which every backup of it has had.
    first = (await journal.history.all())[-1].epoch
    assert journal.history.installation == Installation(first, has_plain_names=True)
    assert (await known(journal, "out_4")).external_id == name(4, installation=first)
    await journal.close()
    with pytest.raises(RuntimeError, match="out_4 is created, and an older bridge does not know"):
        await asyncio.to_thread(migrate, database_url, command.downgrade, "0021")
