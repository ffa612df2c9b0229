"""A chain that is followed into a real journal, over endpoints that may lie, with a clock that a test moves."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from tenacity import wait_none

from bridge.http.ops.overview import needs_a_person
from bridge.journal import Journal
from bridge.workers.chains.store import JournalChainStore, watched_payment
from coordinator.attention.items import Attention
from coordinator.payments.agreed.agreements import DirectPayment
from coordinator.payments.observed.observations import TransactionHinted
from coordinator.payments.payments import Payment
from coordinator.payouts.observations import PayoutKnown, PayoutObservation, PayoutSent
from coordinator.payouts.payouts import Payout
from providers.onchain.blocks.transfers import topic_of
from providers.onchain.chains import Chain, Token
from providers.onchain.follower import ChainFollower
from providers.onchain.nodes.rpc import ChainRpc
from tests.anvil import BOB, CAROL, CHAIN_ID, Anvil
from tests.providers.onchain.liar import Liar
from tests.scripted_gateway import scripted_gateway
from tests.waiting import GIVE_UP_SECONDS

__all__ = [
    "CONFIRMATIONS",
    "Clock",
    "Follow",
    "Followed",
    "contradictions",
    "following",
    "forge",
    "gets_paid",
    "goes_on",
    "listed",
]

CONFIRMATIONS = 3
USDT = 10**6


class Clock:
    """Time that goes on when a test says so."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Followed:
    """A chain, its follower, and the journal that it writes into."""

    def __init__(
        self, journal: Journal, anvil: Anvil, chain: Chain, liars: list[Liar], rpc: ChainRpc, clock: Clock
    ) -> None:
        self.journal = journal
        self.anvil = anvil
        self.chain = chain
        self.liars = liars
        self.clock = clock
        self.rpc = rpc
        self.follower = self.new_follower()

    def new_follower(self) -> ChainFollower:
        store = JournalChainStore(self.journal, {"anvil": self.chain}, days=7)
        return ChainFollower(self.chain, self.rpc, store, self.clock)

    async def restart(self, *places: int) -> None:
        """Starts it anew; with just these endpoints, if any are named."""
        liars = [self.liars[place] for place in places] or self.liars
        self.chain = self.chain.model_copy(update={"endpoints": tuple(SecretStr(liar.url) for liar in liars)})
        await self.rpc.aclose()
        self.rpc = await started(self.chain, self.clock)
        self.follower = self.new_follower()

    @property
    def liar(self) -> Liar:
        return self.liars[0]

    @property
    def token(self) -> str:
        token = self.chain.token("USDT")
        assert token is not None
        return str(token.address)

    async def register(
        self,
        payment_id: str = "pay_1",
        *,
        recipient: str = BOB,
        created_at: datetime | None = None,
        currency: str = "USDT",
        payer: str | None = None,
    ) -> Payment:
        payment = Payment(
            payment_id=payment_id,
            provider="onchain",
            external_id=payment_id,
            request_id="r1",
            buyer_id="b1",
            seller_id="s1",
            amount=Decimal(100),
            currency=currency,
            created_at=created_at or datetime.now(UTC),
            direct=DirectPayment(chain="anvil", recipient=recipient, payer=payer),
        )
        await self.journal.register_payment(payment)
        self.watch(payment)
        return payment

    async def hint(
        self, payment_id: str, tx_hash: str, *, found_by: str | None = None, place: str | None = None
    ) -> None:
        """Names a transaction for a payment, or one transfer of it, as its buyer or a person does."""
        recorded = await self.journal.record_observation(
            provider="onchain",
            external_id=payment_id,
            key=f"hint {payment_id} {tx_hash} {found_by} {place}",
            observation=TransactionHinted(hinted=tx_hash, found_by=found_by, place=place),
        )
        assert recorded.payment is not None
        self.watch(recorded.payment)

    def watch(self, payment: Payment) -> None:
        watched = watched_payment(self.chain, payment)
        assert watched is not None
        self.follower.watch(watched)

    async def payment(self, payment_id: str = "pay_1") -> Payment:
        record = await self.journal.payment_record(payment_id)
        assert record is not None
        return record.payment

    async def pay_out(
        self,
        tx_hash: str | None,
        payout_id: str = "out_1",
        *,
        amount: int = 7,
        coin: str = "USDT",
        to: str = BOB,
        sender: str | None = None,
        asked_by: str | None = None,
    ) -> Payout:
        """Registers a payout of the marketplace's own wallet, which this transaction or this sender carries."""
        payout = Payout(
            payout_id=payout_id,
            provider="onchain",
            payment_id="pay_1",
            seller_id="s1",
            destination=to,
            coin=coin,
            amount=Decimal(amount),
            created_at=datetime.now(UTC),
            chain="anvil",
            sender=sender,
            asked_by=asked_by,
        )
        sent = [] if tx_hash is None else [PayoutSent(tx_hashes=(tx_hash,))]
        known: dict[str, list[PayoutObservation]] = {payout_id: [PayoutKnown(), *sent]}
        await self.journal.payouts.register([payout], rules=None, another=True, known=known)
        return payout

    async def payout(self, payout_id: str = "out_1") -> Payout:
        [record] = await self.journal.payouts.records([payout_id])
        return record.payout

    def pay(self, amount: int = 100, to: str = BOB) -> str:
        """Sends tokens, in a block of its own."""
        tx_hash = self.anvil.transfer(self.token, to, amount * USDT)
        self.anvil.mine()
        return tx_hash

    async def follow(self, blocks: int = 0) -> None:
        """Follows the chain to its head, over so many blocks more, one by one."""
        await self.follower.round()
        for _ in range(blocks):
            self.anvil.mine()
            await self.follower.round()

    async def alarms(self) -> list[tuple[str, int]]:
        return [(alarm.kind, alarm.block_number) for alarm in await self.journal.chains.alarms(None)]


async def started(chain: Chain, clock: Clock) -> ChainRpc:
    rpc = ChainRpc(chain, timeout_seconds=GIVE_UP_SECONDS, pauses=wait_none(), clock=clock)
    await rpc.start()
    return rpc


@asynccontextmanager
async def following(
    anvil: Anvil,
    folder: Path,
    *others: Anvil,
    endpoints: int = 1,
    confirmations: int | str = CONFIRMATIONS,
    own_coin: bool = False,
    token: str | None = None,
    more: Sequence[Token] = (),
) -> AsyncIterator[Followed]:
    """Follows a chain over so many endpoints before one node, and one before each of `others`."""
    async with AsyncExitStack() as stack:
        journal = await Journal.open(f"sqlite:///{folder / 'journal.db'}")
        followed: Followed | None = None
        # A test may have opened it anew.
        stack.push_async_callback(lambda: (followed.journal if followed else journal).close())
        nodes = [anvil] * endpoints + list(others)
        liars = [Liar(await stack.enter_async_context(scripted_gateway()), node) for node in nodes]
        tokens = [Token(symbol="USDT", decimals=6, address=token or anvil.deploy("Token"))]
        chain = Chain.model_validate(
            {
                "name": "anvil",
                "chain_id": CHAIN_ID,
                "confirmations": confirmations,
                "block_seconds": 1,
                "tokens": [*tokens, *more, *([Token(symbol="ETH", decimals=18)] if own_coin else [])],
                "endpoints": [SecretStr(liar.url) for liar in liars],
            }
        )
        clock = Clock()
        followed = Followed(journal, anvil, chain, liars, await started(chain, clock), clock)
        stack.push_async_callback(lambda: followed.rpc.aclose())
        yield followed


Follow = Callable[..., AbstractAsyncContextManager[Followed]]


async def goes_on(it: Followed, *nodes: Anvil, blocks: int = CONFIRMATIONS + 3) -> None:
    """Mines on all nodes, and follows, as time goes on."""
    for _ in range(blocks):
        for node in nodes or (it.anvil,):
            node.mine()
        it.clock.now += 1
        await it.follower.round()


async def gets_paid(it: Followed) -> None:
    """Has a payment registered and paid, and follows on until its money is deep."""
    await it.follow()
    await it.register()
    it.pay()
    await goes_on(it)


async def contradictions(it: Followed) -> list[Attention]:
    """What endpoints contradict each other in, as a person sees it."""
    found = await needs_a_person(it.journal, timedelta(days=3))
    return [one for one in found if one.kind == "chain-contradicted"]


async def listed(it: Followed) -> list[str]:
    return [one.key for one in await contradictions(it)]


def forge(it: Followed, liar: Liar, *, to: str = BOB, amount: int = 100) -> int:
    """Has an endpoint tell of money in the newest block that is not there. Returns the block's number."""
    tx_hash = it.pay(1, CAROL)
    [log] = it.anvil.ask("eth_getTransactionReceipt", tx_hash)["logs"]
    number = int(log["blockNumber"], 16)
    lie = log | {
        "topics": [*log["topics"][:2], topic_of(to)],
        "data": "0x" + f"{amount * USDT:064x}",
        "transactionHash": "0x" + "f" * 64,
        "logIndex": "0x1",
    }

    def made_up(parameters: list[Any], logs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        [asked] = parameters
        is_of_range = int(asked.get("fromBlock", "0x1"), 16) <= number <= int(asked.get("toBlock", "0x0"), 16)
        return [*logs, lie] if is_of_range or asked.get("blockHash") == log["blockHash"] else logs

    liar.changes("eth_getLogs", made_up)
    return number
