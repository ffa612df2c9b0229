"""Following a real chain into a real journal, where it is far behind, or is taken back where few blocks are known."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from coordinator.payments.observed.observations import TransactionHinted
from providers.onchain.follower import ROUNDS_BETWEEN_COMPARISONS
from providers.onchain.nodes.rpc import ChainUnavailableError
from providers.onchain.nodes.web3_library import Web3
from providers.onchain.reading.ranges import shallow_blocks
from tests.anvil import CAROL, Anvil
from tests.bridge.workers.chains.followed_chain import CONFIRMATIONS, Followed, following
from tests.providers.onchain.liar import Refusal


@pytest.fixture
async def followed(anvil: Anvil, tmp_path: Path) -> AsyncIterator[Followed]:
    async with following(anvil, tmp_path) as followed:
        yield followed


async def test_a_range_that_vanishes_right_after_it_was_called_final_raises_the_alarm(followed: Followed) -> None:
    await followed.follower.round()
    await followed.register()
    followed.pay()
    followed.anvil.mine(100)
    head = followed.anvil.head()
    safe = head - shallow_blocks(1)

    def only_what_is_final(parameters: list[Any]) -> Any:
        number = head if parameters[0] == "latest" else int(parameters[0], 16)
        # The newest is shown, and shown once more by its number. That is how far anybody comes.
        return ... if number == head or number <= safe else None

    followed.liar.answers = {"eth_getBlockByNumber": only_what_is_final}
    with pytest.raises(ChainUnavailableError):
        await followed.follower.round()  # comes as far as the range
    assert (await followed.payment()).status == "completed"
    assert await followed.journal.chains.alarms(None) == []
    followed.liar.answers = {}
    followed.anvil.reorganise(shallow_blocks(1) + 3)
    followed.anvil.mine()
    await followed.follower.round()
    [alarm] = await followed.journal.chains.alarms(None)
    assert alarm.message.startswith(f"a reorganisation took back block {safe}, which was final; it is followed anew")
    assert alarm.message.endswith("; nothing that had completed is gone")
    assert followed.follower.blocks_behind == 0


async def test_a_transfer_below_all_blocks_that_are_known_survives_a_reorganisation_above_it(
    followed: Followed,
) -> None:
    payment = await followed.register()
    tx_hash = followed.pay()
    followed.anvil.mine()
    await followed.follower.round()  # for the first time: from this block on
    hinted = await followed.journal.record_observation(
        provider="onchain", external_id="pay_1", key="hint", observation=TransactionHinted(hinted=tx_hash)
    )
    followed.watch(hinted.payment or payment)
    await followed.follower.round()
    assert [one.confirmations for one in (await followed.payment()).facts.sightings] == [2]
    followed.anvil.reorganise(1)  # the one block that is known
    followed.anvil.mine(2)
    await followed.follower.round()
    assert (await followed.payment()).status == "completed"


async def test_a_payment_that_is_registered_while_the_chain_is_far_behind_gets_no_older_money(
    followed: Followed,
) -> None:
    await followed.follower.round()
    tx_hash = followed.pay()
    await followed.register(created_at=datetime.now(UTC) + timedelta(hours=1))
    await followed.follower.round()
    assert (await followed.payment()).status == "pending"
    [unmatched] = await followed.journal.chains.unmatched_transfers(10)
    nobodys = unmatched.transfer
    assert (nobodys.tx_hash, nobodys.reason) == (
        tx_hash,
        "it was mined before the payment was registered",
    )


async def test_what_every_node_refuses_is_said_in_words(followed: Followed) -> None:
    await followed.follower.round()
    followed.anvil.mine()
    followed.liar.answers = {"eth_getBlockByNumber": Refusal(-32000, "header not found")}
    with pytest.raises(ChainUnavailableError, match="no endpoint answers a question: header not found"):
        await followed.follower.round()


async def questions_of_blocks(followed: Followed, blocks: int) -> Counter[str]:
    """What is asked while so many come, one by one, with money to somebody who does not wait."""
    followed.liar.asked.clear()
    for _ in range(blocks):
        followed.anvil.transfer(followed.token, CAROL, 1)
        followed.anvil.mine()
        await followed.follower.round()
    return Counter(followed.liar.asked)


async def test_a_block_takes_as_many_questions_however_many_payments_wait(followed: Followed) -> None:
    await followed.follower.round()
    await followed.register()
    await questions_of_blocks(followed, 2 * CONFIRMATIONS)
    few = await questions_of_blocks(followed, 2 * ROUNDS_BETWEEN_COMPARISONS)
    # The newest block and its logs; some blocks' logs once more, and now and then how all endpoints stand.
    assert few["eth_getBlockByNumber"] <= 2 * ROUNDS_BETWEEN_COMPARISONS + 3
    assert few["eth_getLogs"] == 2 * ROUNDS_BETWEEN_COMPARISONS * 3 / 2
    assert few.total() <= 2 * ROUNDS_BETWEEN_COMPARISONS * 2.8
    for number in range(2, 300):
        account = Web3.to_checksum_address(f"0x{number + 2**100:040x}")
        await followed.register(f"pay_{number}", recipient=account)
    assert followed.follower.watched == 299
    many = await questions_of_blocks(followed, 2 * ROUNDS_BETWEEN_COMPARISONS)
    assert many == few
