"""Follows each chain that has endpoints while it is this bridge's turn, and reports on all of them, whoever follows
them.

A chain is followed by one bridge at a time, of those that share a journal, and each step is committed only by who has
the lease of it. All that a follower remembers it has from the journal and the chain: whoever takes over begins where
the last step ended, and asks anew what was not decided yet.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from math import nan
from typing import TYPE_CHECKING

from prometheus_client import Gauge

from bridge.journal import (
    LEASES,
    ChainAlarm,
    ChainFollowedElsewhereError,
    Journal,
    Lease,
    asking_chain,
    following_chain,
)
from bridge.workers.chains.block_news import BlockNews
from bridge.workers.chains.chain_status import ChainReport, ChainStatus, chain_status
from bridge.workers.chains.standing_chains import StandingChains
from bridge.workers.chains.store import JournalChainStore
from bridge.workers.chains.unfollowed_coins import UnfollowedCoins, redefined
from coordinator.errors import BridgeError
from coordinator.payouts.payouts import Payout
from providers.errors import ProviderUnavailableError
from providers.onchain.chains import Chain, ChainsError
from providers.onchain.matching.payment_requests import PROVIDER

if TYPE_CHECKING:
    from providers.onchain.follower import ChainFollower
    from providers.onchain.nodes.rpc import ChainRpc

__all__ = ["ChainFollowers", "ChainProblemError"]

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
CHECK_TIMEOUT_SECONDS = 10.0
# How often it is looked whether another bridge has asked the chain.
RECHECK_SECONDS = 0.25

HEAD = Gauge("bridge_chain_head_block", "The newest block that a chain's nodes have reported", ["chain"])
BEHIND = Gauge("bridge_chain_blocks_behind", "Blocks of a chain that are still to be followed", ["chain"])
WATCHED = Gauge("bridge_chain_watched", "Payments and payouts that wait on a chain", ["chain"])
GOOD_ENDPOINTS = Gauge("bridge_chain_good_endpoints", "Endpoints of a chain in good standing", ["chain"])


class ChainProblemError(BridgeError):
    """A chain is not followed as it should be."""


@dataclass(slots=True)
class _Running:
    rpc: "ChainRpc"
    woken: asyncio.Event
    """Set when there is something to ask the chain about."""
    is_waited_for: asyncio.Event
    """Set when somebody waits for what comes of that, perhaps at another bridge."""
    news: BlockNews
    follower: "ChainFollower | None" = None
    """While it is this bridge's turn."""
    problem: str | None = None
    has_websocket: bool = False
    asked_at: datetime | None = None
    """When the last round began that is over."""
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    """Set, and immediately replaced, when a round is over."""

    def end_round(self, began_at: datetime) -> None:
        """Signals to whoever waits that it was asked once more."""
        self.asked_at = began_at
        self.answered.set()
        self.answered = asyncio.Event()


class ChainFollowers:
    """The followers of all chains that have endpoints. Open it with `start`, and run its `work`."""

    provider = PROVIDER
    """What payments and payouts have for a provider that go over a chain to a wallet or from one."""

    def __init__(self, journal: Journal, chains: Mapping[str, Chain], *, days: int) -> None:
        """`days`: for how long ended payments and payouts are still watched."""
        self.chains = chains
        """Those that are followed, by their names."""
        self._journal = journal
        self._store = JournalChainStore(journal, chains, days=days)
        self._running: dict[str, _Running] = {}
        self._standing = StandingChains()
        self._unfollowed = UnfollowedCoins(journal, chains, self.standing)
        self._watched_on = timedelta(days=days)

    async def start(self) -> None:
        """Connects. Raises ChainsError if an endpoint is of another chain, or if a token that somebody waits for
        differs from when it was last followed."""
        await self._unfollowed.try_to_refresh()
        if not self.chains:
            return
        await self._refuse_redefined()
        # Only whoever follows a chain pays for the import of web3.
        from providers.onchain.nodes.rpc import ChainRpc

        wakeups, loop = self._journal.wakeups, asyncio.get_running_loop()
        for name, chain in self.chains.items():
            for kindred in chain.kindred_endpoints:
                logger.warning("%s", kindred)
            woken = wakeups.of(following_chain(name))
            news = BlockNews(chain.block_seconds, woken.set, loop.time, loop.call_later)
            self._running[name] = _Running(ChainRpc(chain), woken, wakeups.of(asking_chain(name)), news)
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

    def work(self) -> dict[str, Callable[[], Coroutine[None, None, None]]]:
        """What one bridge at a time does of each chain, by the names of the leases."""
        return {following_chain(name): partial(self._follow, name) for name in self._running}

    def says(self) -> dict[str, Callable[[], str]]:
        """What the others are told of that."""
        return {following_chain(name): partial(self._said, name) for name in self._running}

    async def run(self) -> None:
        """What each bridge does: looks for coins that are not followed, until it is cancelled."""
        await self._unfollowed.run()

    async def check_now(self, payout: Payout) -> str | None:
        """Has the chain of a payout asked at once, and waits for its answer. Returns what kept it from answering;
        None if it did, or if the payout goes over none that is followed."""
        name = payout.chain or ""
        running = self._running.get(name)
        if running is None:
            return None
        # The round that is under way may have passed the item already; the one after it begins later.
        since = await self._journal.chains.ask(name)
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
                while (status := await self._status(name)).asked_at is None or status.asked_at < since:
                    await _wait(running.answered, RECHECK_SECONDS)
        except TimeoutError:
            return f"{name} did not answer within {CHECK_TIMEOUT_SECONDS:g} s"
        return status.problem

    def asked_by(self, name: str) -> "ChainRpc | None":
        """What asks a chain's nodes; None if it is followed nowhere."""
        running = self._running.get(name)
        return None if running is None else running.rpc

    def chain_of_payout(self, provider: str, coin: str) -> Chain | None:
        """The chain on which a provider's payouts in this coin are checked; None if it is followed nowhere."""
        return next((chain for chain in self.chains.values() if chain.token_of(provider, coin) is not None), None)

    async def statuses(self) -> list[ChainStatus]:
        """How far each chain is followed, whoever follows it. Raises JournalUnavailableError."""
        leases = await self._journal.nodes.leases() if self._running else {}
        return [self._status_of(name, leases, unfollowed=self._unfollowed.said.get(name)) for name in self._running]

    async def standing(self) -> dict[str, str]:
        """Why chains do not begin to be followed that never were, or did not go on for minutes, whoever is to follow
        them. Raises JournalUnavailableError."""
        leases = await self._journal.nodes.leases() if self._running else {}
        statuses = [self._status_of(name, leases, unfollowed=None) for name in self._running]
        begun = {name for name in self._running if await self._journal.chains.following(name) is not None}
        return self._standing.look(statuses, begun, self._journal.clock())

    async def taken_back(self) -> dict[str, ChainAlarm]:
        """What was said of chains last that took back within the last day what was final. Raises
        JournalUnavailableError."""
        alarms = await self._journal.chains.alarms(self._journal.clock() - ALARMS_SHOWN)
        return {alarm.chain: alarm for alarm in reversed(alarms) if alarm.kind == "taken-back"}

    async def measure(self) -> None:
        """Sets the figures of all chains. Raises JournalUnavailableError."""
        for status in await self.statuses():
            name = status.chain.name
            HEAD.labels(name).set(status.head)
            BEHIND.labels(name).set(nan if status.blocks_behind is None else status.blocks_behind)
            WATCHED.labels(name).set(status.watched)
            GOOD_ENDPOINTS.labels(name).set(status.good_endpoints)

    async def _status(self, name: str) -> ChainStatus:
        leases = await self._journal.nodes.leases()
        return self._status_of(name, leases, unfollowed=self._unfollowed.said.get(name))

    def _status_of(self, name: str, leases: Mapping[str, Lease], *, unfollowed: str | None) -> ChainStatus:
        lease = leases.get(following_chain(name))
        word = self._word(name)
        if self._running[name].follower is None and lease is not None and lease.said is not None:
            word = ChainReport.model_validate_json(lease.said)
        return chain_status(
            self.chains[name],
            word,
            self._journal.clock(),
            lease=lease,
            is_shared=self._journal.nodes.is_shared,
            unfollowed=unfollowed,
        )

    def _word(self, name: str) -> ChainReport:
        """What there is to say of a chain here; nothing of one that another bridge follows."""
        running = self._running[name]
        follower = running.follower
        if follower is None:
            return ChainReport()
        return ChainReport(
            head=follower.head,
            head_at=follower.head_at,
            finalized_at=follower.finalized_at,
            followed=follower.followed,
            blocks_behind=follower.blocks_behind,
            watched=follower.watched,
            good_endpoints=running.rpc.good_endpoints,
            problem=running.problem,
            waiting=follower.waiting,
            asked_at=running.asked_at,
        )

    def _said(self, name: str) -> str:
        return self._word(name).model_dump_json()

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
            status = await self._status(name)
            if status.problem is not None:
                raise ChainProblemError(f"{status.in_short}; {status.problem}")
            if (status.blocks_behind or 0) * status.chain.block_seconds > BEHIND_SECONDS:
                raise ChainProblemError(f"{status.in_short}, catching up")
            taken_back = await self.taken_back()
            if name in taken_back:
                raise ChainProblemError(f"{status.in_short}; {taken_back[name].message}")
            return status.in_short

        return check

    # While it is this bridge's turn

    async def _follow(self, name: str) -> None:
        """Follows a chain until it is cancelled, and may do so again after that."""
        running = self._running[name]
        running.follower, running.problem = self._new_follower(name), None
        running.asked_at, running.has_websocket = None, False
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._go_round(name, running))
                tasks.create_task(self._refresh(name, running))
                tasks.create_task(self._subscribe(name, running))
        finally:
            running.follower = None

    def _new_follower(self, name: str) -> "ChainFollower":
        """One that knows nothing yet, and goes on from what the journal says."""
        from providers.onchain.follower import ChainFollower

        others = [(self.chains[other], one.rpc) for other, one in self._running.items() if other != name]
        return ChainFollower(self.chains[name], self._running[name].rpc, self._store, others=others)

    async def _go_round(self, name: str, running: _Running) -> None:
        block_seconds = self.chains[name].block_seconds
        while True:
            is_waited_for = running.is_waited_for.is_set()
            running.woken.clear()
            running.is_waited_for.clear()
            began_at = self._journal.clock()
            found = await self._round(name, running)
            running.end_round(began_at)
            if is_waited_for:
                self._journal.wakeups.ring([LEASES])  # with which it is said
            running.news.judge(found=found)
            await asyncio.sleep(ROUND_PAUSE_SECONDS)
            pause = min(max(block_seconds, SHORTEST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)
            await _wait(running.woken, pause * PAUSE_WITH_WEBSOCKET if running.has_websocket else pause)

    async def _round(self, name: str, running: _Running) -> bool:
        """Follows a chain as far as it goes now. Returns whether it has gone on."""
        follower = running.follower
        if follower is None:
            raise LookupError(f"{name} is not followed here")
        before = follower.head
        try:
            await follower.round()
        except ChainFollowedElsewhereError as error:
            logger.warning("%s; it is taken up from there", error)
            running.follower = self._new_follower(name)
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
        return follower.head > before

    async def _refresh(self, name: str, running: _Running) -> None:
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            try:
                if running.follower is not None:
                    await running.follower.refresh()
            except Exception:
                logger.exception("%s: could not read anew who waits; trying again later", name)

    async def _subscribe(self, name: str, running: _Running) -> None:
        """Receives new blocks over a WebSocket, where an endpoint has one."""

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
