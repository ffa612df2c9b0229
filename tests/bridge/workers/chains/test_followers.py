"""A chain that several bridges could follow: one does, whoever registered what is waited for, and another goes on."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

import pytest
from pydantic import SecretStr

from bridge.journal import ChainFollowedElsewhereError, Journal, following_chain
from bridge.workers.chains.chain_status import NOBODY, ChainStatus
from bridge.workers.chains.followers import ChainFollowers, ChainProblemError
from bridge.workers.chains.store import JournalChainStore
from bridge.workers.leased import LeasedWork
from coordinator.payments.agreed.agreements import DirectPayment
from coordinator.payments.observed.observations import TransactionHinted
from coordinator.payments.payments import Payment
from coordinator.payouts.payouts import Payout
from providers.onchain.chains import Chain, Token
from providers.onchain.follower import ChainFollower
from providers.onchain.nodes.rpc import ChainRpc
from tests.anvil import BOB, CHAIN_ID, Anvil
from tests.waiting import GIVE_UP_SECONDS

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

CONFIRMATIONS = 3
LASTING = timedelta(seconds=2)
ANVIL = following_chain("anvil")
Found = TypeVar("Found")


def chain_of(anvil: Anvil, *, block_seconds: float) -> Chain:
    return Chain.model_validate(
        {
            "name": "anvil",
            "chain_id": CHAIN_ID,
            "confirmations": CONFIRMATIONS,
            "block_seconds": block_seconds,
            "tokens": [Token(symbol="USDT", decimals=6, address=anvil.deploy("Token"))],
            "endpoints": [SecretStr(anvil.url)],
        }
    )


async def eventually(look: Callable[[], Awaitable[Found | None]]) -> Found:
    """What a look finds, once it does."""
    async with asyncio.timeout(GIVE_UP_SECONDS):
        while (found := await look()) is None:  # noqa: ASYNC110 (nothing signals what is waited for)
            await asyncio.sleep(0.01)
    return found


class Node:
    """A bridge that follows the chain while it is its turn."""

    def __init__(self, journal: Journal, chain: Chain) -> None:
        self.journal = journal
        self.followers = ChainFollowers(journal, {"anvil": chain}, days=7)
        self.has_ended = False
        self._tasks: list[asyncio.Task[None]] = []

    async def begin(self) -> None:
        await self.followers.start()
        work, says = self.followers.work(), self.followers.says()
        leased = LeasedWork(self.journal, work, says=says, lease=LASTING, renewed_every_seconds=0.1)
        self._tasks = [asyncio.create_task(leased.run()), asyncio.create_task(self.journal.follow_others())]

    async def end(self) -> None:
        if self.has_ended:
            return
        self.has_ended = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.followers.aclose()
        await self.journal.close()

    async def status(self) -> ChainStatus:
        [status] = await self.followers.statuses()
        return status

    async def status_once(self, *, follower: "Node", head: int, watched: int = 0) -> ChainStatus:
        """How it is followed, once that is by one of them, so far, and for so many."""

        async def followed() -> ChainStatus | None:
            status = await self.status()
            is_there = status.blocks_behind == 0 and status.head >= head and status.watched == watched
            return status if is_there and status.followed_by == follower.journal.nodes.own else None

        return await eventually(followed)

    async def register(self, payment_id: str) -> None:
        payment = Payment(
            payment_id=payment_id,
            provider="onchain",
            external_id=payment_id,
            request_id=payment_id,
            buyer_id="b1",
            seller_id="s1",
            amount=Decimal(100),
            currency="USDT",
            created_at=datetime.now(UTC) - timedelta(minutes=1),
            direct=DirectPayment(chain="anvil", recipient=BOB),
        )
        await self.journal.register_payment(payment)

    async def hint(self, payment_id: str, tx_hash: str) -> None:
        await self.journal.record_observation(
            provider="onchain",
            external_id=payment_id,
            key=f"hint {payment_id}",
            observation=TransactionHinted(hinted=tx_hash),
        )

    async def once(self, payment_id: str, status: str) -> Payment:
        """A payment, once it has a status."""

        async def found() -> Payment | None:
            record = await self.journal.payment_record(payment_id)
            return record.payment if record is not None and record.payment.status == status else None

        return await eventually(found)


class Followed:
    """The chain, and the bridges that could follow it."""

    def __init__(self, anvil: Anvil, chain: Chain, first: Node, second: Node) -> None:
        self.anvil = anvil
        self.chain = chain
        self.first, self.second = first, second

    def pay(self) -> str:
        """Sends tokens, in a block of its own."""
        token = self.chain.token("USDT")
        assert token is not None
        tx_hash = self.anvil.transfer(str(token.address), BOB, 100 * 10**6)
        self.anvil.mine()
        return tx_hash


@pytest.fixture
async def followed(anvil: Anvil, database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Followed]:
    # Who follows it asks it only when somebody has news for it.
    monkeypatch.setattr("bridge.workers.chains.followers.LONGEST_PAUSE_SECONDS", GIVE_UP_SECONDS)
    chain = chain_of(anvil, block_seconds=2 * GIVE_UP_SECONDS)
    async with AsyncExitStack() as stack:
        nodes = []
        for _ in range(2):
            node = Node(await Journal.open(database_url, is_shared=True), chain)
            stack.push_async_callback(node.end)
            nodes.append(node)
        first, second = nodes
        await first.begin()
        await first.status_once(follower=first, head=anvil.head())
        await second.begin()
        yield Followed(anvil, chain, first, second)


async def test_what_another_bridge_registered_is_seen_as_soon_as_what_it_has_itself(followed: Followed) -> None:
    first, second = followed.first, followed.second
    tx_hash = followed.pay()
    await second.register("pay_1")
    await second.hint("pay_1", tx_hash)
    await second.once("pay_1", "confirming")
    followed.anvil.mine(CONFIRMATIONS)
    await second.register("pay_2")  # which has the chain asked again
    await second.once("pay_1", "completed")
    for node in (first, second):
        status = await node.status_once(follower=first, head=followed.anvil.head(), watched=2)
        assert (status.problem, status.good_endpoints) == (None, 1)


async def test_who_waits_for_the_answer_of_a_chain_gets_it_from_whichever_bridge_follows_it(
    followed: Followed,
) -> None:
    await followed.first.register("pay_1")
    payout = Payout(
        payout_id="out_1",
        provider="onchain",
        payment_id="pay_1",
        seller_id="s1",
        destination=BOB,
        coin="USDT",
        amount=Decimal(7),
        created_at=datetime.now(UTC),
        chain="anvil",
    )
    for node in (followed.second, followed.first):
        followed.anvil.mine(2)
        assert await node.followers.check_now(payout) is None
        assert (await node.status()).head == followed.anvil.head()


async def test_another_goes_on_once_its_follower_is_gone_and_until_then_it_is_said_that_nobody_does(
    followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = followed.first, followed.second
    await first.register("pay_1")
    await first.hint("pay_1", followed.pay())
    await first.status_once(follower=first, head=followed.anvil.head(), watched=1)
    taken, take = asyncio.Event(), second.journal.nodes.take

    async def later(*arguments: object, **named: object) -> object:
        await taken.wait()
        return await take(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(second.journal.nodes, "take", later)

    async def nothing(*_: object) -> None:
        """As one that is killed gives nothing back."""

    monkeypatch.setattr(first.journal.nodes, "leave", nothing)
    await first.end()
    followed.anvil.mine(CONFIRMATIONS)

    async def nobodys() -> ChainStatus | None:
        status = await second.status()
        return status if status.followed_by is None else None

    status = await eventually(nobodys)
    assert str(status.problem).startswith(f"{NOBODY}: {first.journal.nodes.own}")
    with pytest.raises(ChainProblemError, match="no bridge follows it"):
        await second.followers.checks()["anvil"]()
    taken.set()
    payment = await second.once("pay_1", "completed")
    status = await second.status_once(follower=second, head=followed.anvil.head(), watched=1)
    assert status.problem is None
    record = await second.journal.payment_record("pay_1")
    assert record is not None
    assert Counter(entry.status for entry in record.history)["completed"] == 1
    assert payment.received == Decimal(100)


async def test_a_step_of_one_that_lost_the_lease_is_refused_and_so_is_one_that_was_overtaken(
    anvil: Anvil, database_url: str
) -> None:
    chain = chain_of(anvil, block_seconds=1)
    first, second = [await Journal.open(database_url, is_shared=True) for _ in range(2)]
    rpc = ChainRpc(chain)
    await rpc.start()

    def follower(journal: Journal) -> ChainFollower:
        return ChainFollower(chain, rpc, JournalChainStore(journal, {"anvil": chain}, days=7))

    old = follower(first)
    assert await first.nodes.take([ANVIL], timedelta(hours=1)) == [ANVIL]
    await old.round()
    await first.nodes.release([ANVIL])
    assert await second.nodes.take([ANVIL], timedelta(hours=1)) == [ANVIL]
    anvil.mine()
    left = await second.chains.following("anvil")
    with pytest.raises(ChainFollowedElsewhereError, match="follows anvil by now"):
        await old.round()
    assert await second.chains.following("anvil") == left
    await follower(second).round()
    left = await second.chains.following("anvil")
    # It comes back before it has noticed that it was away.
    await second.nodes.release([ANVIL])
    await first.nodes.take([ANVIL], timedelta(hours=1))
    anvil.mine()
    with pytest.raises(ChainFollowedElsewhereError, match="meanwhile"):
        await old.round()
    assert await second.chains.following("anvil") == left
    await follower(first).round()
    assert await second.chains.following("anvil") != left
    await rpc.aclose()
    for journal in (first, second):
        await journal.close()
