"""Runs a follower for each chain that has endpoints, and reports on them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from prometheus_client import Gauge

from bridge.journal import Journal
from bridge.workers.block_news import BlockNews
from bridge.workers.chains import JournalChainStore, watched_payment, watched_payout
from bridge.workers.unfollowed_coins import UnfollowedCoins, redefined
from coordinator.errors import BridgeError
from coordinator.payments.payments import Payment
from coordinator.payouts.payouts import Payout
from providers.contract import ProviderUnavailableError
from providers.onchain.chains import Chain, ChainsError
from providers.onchain.matching.direct import PROVIDER
from providers.onchain.nodes.staleness import staleness

if TYPE_CHECKING:
    from providers.onchain.follower import ChainFollower
    from providers.onchain.nodes.rpc import ChainRpc

__all__ = ["ChainFollowers", "ChainProblemError", "ChainStatus"]

logger = logging.getLogger("bridge.onchain")

SHORTEST_PAUSE_SECONDS = 0.5
# This applies to news too: an endpoint may announce a thousand blocks a second, which would have all others asked as
# often.
ROUND_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 15.0
# A WebSocket announces new blocks at once; then the chain is asked only in case one was missed.
PAUSE_WITH_WEBSOCKET = 5
RECONNECT_SECONDS = 5.0
REFRESH_SECONDS = 3600.0
# Behind by more than this a chain is no longer followed live.
BEHIND_SECONDS = 120.0
ALARMS_SHOWN = timedelta(days=1)
# Somebody is waiting at a screen.
LOOK_SECONDS = 10.0

HEAD = Gauge("bridge_chain_head_block", "The newest block that a chain's nodes have reported", ["chain"])
BEHIND = Gauge("bridge_chain_blocks_behind", "Blocks of a chain that are still to be followed", ["chain"])
WATCHED = Gauge("bridge_chain_watched", "Payments and payouts that wait on a chain", ["chain"])
GOOD_ENDPOINTS = Gauge("bridge_chain_good_endpoints", "Endpoints of a chain in good standing", ["chain"])


class ChainProblemError(BridgeError):
    """A chain is not followed as it should be."""


@dataclass(frozen=True, slots=True)
class ChainStatus:
    """How far a chain is followed."""

    chain: Chain
    head: int
    head_at: datetime | None
    """When that block was made; None before it was asked for the first time."""
    blocks_behind: int | None
    """None before it was asked for the first time."""
    problem: str | None


@dataclass(slots=True)
class _Running:
    rpc: "ChainRpc"
    follower: "ChainFollower"
    woken: asyncio.Event
    news: BlockNews
    problem: str | None = None
    has_websocket: bool = False
    rounds: int = 0
    """How many times it has been asked so far."""
    is_asking: bool = False
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    """Set, and immediately replaced, when a round is over."""

    def end_round(self) -> None:
        """Signals to whoever waits that it was asked once more."""
        self.rounds, self.is_asking = self.rounds + 1, False
        self.answered.set()
        self.answered = asyncio.Event()


class ChainFollowers:
    """The followers of all chains that have endpoints. Open it with `start`, and run what `tasks` gives."""

    provider = PROVIDER
    """What payments and payouts have for a provider that go over a chain to a wallet or from one."""

    def __init__(self, journal: Journal, chains: Mapping[str, Chain], *, days: int) -> None:
        """`days`: for how long ended payments and payouts are still watched."""
        self.chains = chains
        """Those that are followed, by their names."""
        self._journal = journal
        self._store = JournalChainStore(journal, chains, days=days)
        self._running: dict[str, _Running] = {}
        self._unfollowed = UnfollowedCoins(journal, chains)
        self._watched_on = timedelta(days=days)

    async def start(self) -> None:
        """Connects. Raises ChainsError if an endpoint is of another chain, or if a token that somebody waits for
        differs from when it was last followed."""
        await self._unfollowed.try_to_look()
        if not self.chains:
            return
        await self._refuse_redefined()
        # Only whoever follows a chain pays for the import of web3.
        from providers.onchain.follower import ChainFollower
        from providers.onchain.nodes.rpc import ChainRpc

        for name, chain in self.chains.items():
            for kindred in chain.kindred_endpoints:
                logger.warning("%s", kindred)
            rpc = ChainRpc(chain)
            woken, loop = asyncio.Event(), asyncio.get_running_loop()
            news = BlockNews(chain.block_seconds, woken.set, loop.time, loop.call_later)
            self._running[name] = _Running(rpc, ChainFollower(chain, rpc, self._store), woken, news)
        try:
            await asyncio.gather(*(running.rpc.start() for running in self._running.values()))
        except BaseException:
            await self.aclose()
            raise

    async def _refuse_redefined(self) -> None:
        waited = await self._journal.chains.coins_waited_for(self._journal.clock() - self._watched_on)
        for name, chain in self.chains.items():
            followed = await self._store.following(name)
            for before, now, count in redefined(chain, followed.tokens if followed is not None else (), waited):
                raise ChainsError(
                    f"{name}.{now.symbol}: it had {before.decimals} decimals at {before.address} when it was followed"
                    f" last, and has {now.decimals} at {now.address} now; {count} payments and payouts are in it, and"
                    " their amounts would be read otherwise: set it back, and give another token another name"
                )

    async def aclose(self) -> None:
        for running in self._running.values():
            await running.rpc.aclose()

    def tasks(self) -> list[asyncio.Task[None]]:
        """Follows all chains until the tasks are cancelled."""
        followed = [asyncio.create_task(self._follow(name)) for name in self._running]
        refreshed = [asyncio.create_task(self._refresh(name)) for name in self._running]
        refreshed.append(asyncio.create_task(self._unfollowed.run()))
        return followed + refreshed + [asyncio.create_task(self._subscribe(name)) for name in self._running]

    def watch_payment(self, payment: Payment) -> None:
        """Has a payment that is new, or has a new hint, looked up."""
        if payment.direct is not None and payment.direct.chain in self._running:
            watched = watched_payment(self.chains[payment.direct.chain], payment)
            if watched is not None:
                self._running[payment.direct.chain].follower.watch(watched)
                self._running[payment.direct.chain].woken.set()

    def watch_payout(self, payout: Payout) -> None:
        """Has a payout that is new, or has a new transaction, looked up."""
        if payout.chain is not None and payout.chain in self._running:
            watched = watched_payout(self.chains[payout.chain], payout)
            if watched is not None:
                self._running[payout.chain].follower.watch(watched)
                self._running[payout.chain].woken.set()

    async def look_now(self, payout: Payout) -> str | None:
        """Has the chain of a payout asked at once, and waits for its answer. Returns what kept it from answering;
        None if it did, or if the payout goes over none that is followed."""
        running = self._running.get(payout.chain or "")
        if running is None:
            return None
        self.watch_payout(payout)
        running.woken.set()
        # The round that is under way may have passed the item already; the one after it begins later.
        awaited = running.rounds + (2 if running.is_asking else 1)
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                while running.rounds < awaited:
                    await running.answered.wait()
        except TimeoutError:
            return f"{payout.chain} did not answer within {LOOK_SECONDS:g} s"
        return self._problem(running)

    def chain_of_payout(self, provider: str, coin: str) -> Chain | None:
        """The chain on which a provider's payouts in this coin are checked; None if it is followed nowhere."""
        return next((chain for chain in self.chains.values() if chain.token_of(provider, coin) is not None), None)

    def statuses(self) -> list[ChainStatus]:
        """How far each chain is followed."""
        return [
            ChainStatus(
                running.follower.chain,
                running.follower.head,
                running.follower.head_at,
                running.follower.blocks_behind,
                self._problem(running),
            )
            for running in self._running.values()
        ]

    def _problem(self, running: _Running) -> str | None:
        """What is wrong with a chain: why it is not followed, what has stopped, or what money waits for."""
        if running.problem is not None:
            return running.problem
        follower = running.follower
        stands_still = staleness(follower.chain, follower.head_at, follower.finalized_at, self._journal.clock())
        return stands_still or follower.waiting or self._unfollowed.said.get(follower.chain.name)

    def checks(self) -> dict[str, Callable[[], Awaitable[str]]]:
        """A check for each chain: says how far it is followed, and raises ChainProblemError if that is too little."""
        elsewhere = [name for name in self._unfollowed.said if name not in self._running]
        return {name: self._check_of(name) for name in self._running} | {
            name: self._check_of_unfollowed(name) for name in elsewhere
        }

    def _check_of_unfollowed(self, name: str) -> Callable[[], Awaitable[str]]:
        async def check() -> str:
            if name in self._unfollowed.said:
                raise ChainProblemError(self._unfollowed.said[name])
            return "nobody waits for it any more"

        return check

    def _check_of(self, name: str) -> Callable[[], Awaitable[str]]:
        async def check() -> str:
            running = self._running[name]
            behind = running.follower.blocks_behind
            status = "not asked yet" if behind is None else f"{behind} blocks behind {running.follower.head}"
            problem = self._problem(running)
            if problem is not None:
                raise ChainProblemError(f"{status}; {problem}")
            if behind is not None and behind * running.follower.chain.block_seconds > BEHIND_SECONDS:
                raise ChainProblemError(f"{status}, catching up")
            alarms = await self._journal.chains.alarms(self._journal.clock() - ALARMS_SHOWN)
            of_chain = [alarm for alarm in alarms if (alarm.chain, alarm.kind) == (name, "taken-back")]
            if of_chain:
                raise ChainProblemError(f"{status}; {of_chain[0].message}")
            return status

        return check

    async def _follow(self, name: str) -> None:
        running = self._running[name]
        block_seconds = running.follower.chain.block_seconds
        while True:
            running.woken.clear()
            running.is_asking, before = True, running.follower.head
            try:
                await running.follower.round()
            except ProviderUnavailableError as error:
                if running.problem is None:
                    logger.warning("%s is not followed for now: %s", name, error)
                running.problem = str(error)
            except Exception as error:
                logger.exception("%s: following it failed; trying again", name)
                running.problem = f"following it failed ({type(error).__name__})"
            else:
                if running.problem is not None:
                    logger.info("%s is followed again", name)
                running.problem = None
            running.end_round()
            running.news.judge(found=running.follower.head > before)
            self._measure(name, running)
            await asyncio.sleep(ROUND_PAUSE_SECONDS)
            pause = min(max(block_seconds, SHORTEST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)
            await _wait(running.woken, pause * PAUSE_WITH_WEBSOCKET if running.has_websocket else pause)

    def _measure(self, name: str, running: _Running) -> None:
        HEAD.labels(name).set(running.follower.head)
        BEHIND.labels(name).set(running.follower.blocks_behind or 0)
        WATCHED.labels(name).set(running.follower.watched)
        GOOD_ENDPOINTS.labels(name).set(running.rpc.good_endpoints)

    async def _refresh(self, name: str) -> None:
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            try:
                await self._running[name].follower.refresh()
            except Exception:
                logger.exception("%s: could not read anew who waits; trying again later", name)

    async def _subscribe(self, name: str) -> None:
        """Receives new blocks over a WebSocket, where an endpoint has one."""
        running = self._running[name]

        def on_block() -> None:
            running.has_websocket = True
            running.news.listen()

        while True:
            try:
                await running.rpc.subscribed(on_block)
            except Exception as error:
                # The texts of the libraries below repeat the URL, which may hold a key.
                logger.info("%s: no news of blocks by WebSocket (%s)", name, type(error).__name__)
            if running.has_websocket:
                running.has_websocket = False
                running.woken.set()  # from now on it is asked often, beginning at once
            await asyncio.sleep(RECONNECT_SECONDS)


async def _wait(woken: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await woken.wait()
    except TimeoutError:
        pass
