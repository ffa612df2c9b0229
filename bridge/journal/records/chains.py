"""The chains' part of the journal: what their followers write down and look up."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime

from bridge.journal.errors import ChainFollowedElsewhereError
from bridge.journal.queries import chain_parties
from bridge.journal.queries import chains as chain_queries
from bridge.journal.queries import coins as coin_queries
from bridge.journal.queries.chain_parties import KnownParties
from bridge.journal.queries.chains import ChainNews
from bridge.journal.queries.coins import WaitedCoin
from bridge.journal.queries.readers import Read
from bridge.journal.records.nodes import NodeRecords
from bridge.journal.requests import chains as chain_requests
from bridge.journal.requests.chains import ChainCommit, CommittedStep
from bridge.journal.wakeups import asking_chain, following_chain
from bridge.journal.writing.batch import Batch
from bridge.journal.writing.payment_log import log_payout
from bridge.journal.writing.staged.chains import StagedTransfer
from bridge.journal.writing.writer import Submit
from coordinator.payments.payments import Payment
from coordinator.payouts.payouts import Payout
from coordinator.payouts.unknown_transfers import Explained

__all__ = ["ChainRecords"]

logger = logging.getLogger("bridge.payments")


class ChainRecords:
    """What followers of chains write down, and look up."""

    def __init__(self, read: Read, submit: Submit, nodes: NodeRecords) -> None:
        self._read = read
        self._submit = submit
        self._nodes = nodes

    async def record_step(self, step: ChainCommit) -> CommittedStep:
        """Commits a step along a chain, with all that it moves. Raises JournalUnavailableError, and
        ChainFollowedElsewhereError where another bridge follows it by now, or has meanwhile."""

        def request(batch: Batch) -> CommittedStep:
            if not self._nodes.holds(batch, following_chain(step.chain)):
                raise ChainFollowedElsewhereError(f"another bridge follows {step.chain} by now")
            return chain_requests.record_chain_step(batch, step)

        committed = await self._submit(request)
        for recorded in committed.payments:
            if recorded.payment is not None:
                logger.info("%s is %s", recorded.payment.payment_id, recorded.payment.status)
        for moved in committed.payouts:
            log_payout(moved.payout)
        return committed

    async def record_unfollowed(self, said: Mapping[str, str]) -> None:
        """Writes down on which chains somebody waits for coins that are not followed, as far as that is news. Raises
        JournalUnavailableError."""
        known = {one.chain: one.message for one in await self.alarms(None) if one.kind == chain_requests.UNFOLLOWED}
        news = {chain: message for chain, message in said.items() if known.get(chain) != message}
        over = set(known) - set(said)
        if news or over:
            await self._submit(lambda batch: chain_requests.record_unfollowed(batch, news, over))

    async def ask(self, chain: str) -> datetime:
        """Has whoever follows a chain ask it at once, and say what came of it. Returns when, by the clock that all of
        them go by."""

        def request(batch: Batch) -> datetime:
            batch.wakeups |= {following_chain(chain), asking_chain(chain)}
            return batch.now

        return await self._submit(request)

    async def coins_waited_for(self, moved_since: datetime | None = None) -> list[WaitedCoin]:
        """The coins that somebody waits for, also who ended no longer ago than that, if it is given."""
        return await self._read(coin_queries.coins_waited_for, moved_since)

    async def following(self, chain: str) -> str | None:
        """Where a chain is followed to; None if it never was."""
        return await self._read(chain_queries.chain_following, chain)

    async def payments_waiting(self, chain: str, *, moved_since: datetime) -> list[str]:
        """Payments over a chain that are open or moved since then, by their ids."""
        return await self._read(chain_queries.payments_waiting, chain, moved_since=moved_since)

    async def news(self, chain: str, *, since: datetime, told: str = "") -> ChainNews:
        """What came, or moved, over a chain since then, but for the payments whose moves were told before."""
        return await self._read(chain_queries.chain_news, chain, since=since, told=told)

    async def payments_named(self, payment_ids: Sequence[str]) -> list[Payment]:
        """Those of some payments that there are."""
        return await self._read(chain_queries.payments_named, payment_ids)

    async def waiting_at(
        self, chain: str, addresses: Sequence[str], *, moved_since: datetime
    ) -> tuple[list[Payment], list[Payout]]:
        """The payments and payouts to some addresses that are open or moved since then, all of each."""
        return await self._read(chain_queries.waiting_at, chain, addresses, moved_since=moved_since)

    async def payouts_waiting(self, chain: str, *, moved_since: datetime) -> dict[str, str]:
        """Payouts over a chain that are unsettled or moved since then, by their ids, each with its latest move:
        another one whenever it moves again."""
        return await self._read(chain_queries.payouts_waiting, chain, moved_since=moved_since)

    async def payouts_named(self, payout_ids: Sequence[str]) -> list[Payout]:
        """Those of some payouts that there are."""
        return await self._read(chain_queries.payouts_named, payout_ids)

    async def transfers(self, chain: str, tx_hashes: Sequence[str]) -> list[StagedTransfer]:
        """The transfers of these transactions that were written down."""
        return await self._read(chain_queries.chain_transfers, chain, tx_hashes)

    async def transfers_since(self, chain: str, block_number: int) -> list[StagedTransfer]:
        """The transfers of this block and of later ones."""
        return await self._read(chain_queries.chain_transfers_since, chain, block_number)

    async def known_parties(self, chain: str, limit: int) -> KnownParties:
        """Who pays and who is paid over a chain, as far as is known; of destinations no more than so many."""
        return await self._read(chain_parties.known_parties, chain, limit)

    async def explained_by(self, chain: str, tx_hashes: Sequence[str]) -> list[Explained]:
        """What is known of what some transactions did."""
        return await self._read(chain_parties.explained_by, chain, tx_hashes)

    async def paid_into(self, chain: str, addresses: Sequence[str]) -> frozenset[str]:
        """Those of some addresses that payments are paid to."""
        return await self._read(chain_parties.paid_into, chain, addresses)

    async def payouts_under_way_to(self, chain: str, destinations: Sequence[str]) -> list[Payout]:
        """The payouts to some addresses that nobody knows the end of."""
        return await self._read(chain_parties.payouts_under_way_to, chain, destinations)

    async def unmatched_transfers(self, limit: int, after: int = 0) -> list[chain_queries.UnmatchedTransfer]:
        """Transfers of which nobody knows what they are for, the largest of each token first, from a place on."""
        return await self._read(chain_queries.unmatched_transfers, limit, after)

    async def alarms(self, since: datetime | None) -> list[chain_queries.ChainAlarm]:
        """What went wrong, since then if that is given; newest first."""
        return await self._read(chain_queries.chain_alarms, since)
