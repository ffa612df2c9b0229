"""Comparison of the books, after the journal was restored, rewound, copied or promoted: what the providers and the
chains know and the journal does not, and whether the wallets hold what is known. Payouts are held until it is over
and a person, who sees what it has found, resumes them.

A payout that the journal has forgotten is found by its name: the names of a share are asked for in order.
"""

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from bridge.journal import HistoryRecord, Journal, observation_key
from bridge.workers.books.chain_search import ChainSearch
from bridge.workers.books.payable_shares import PayableShare, payable_shares
from bridge.workers.chains.followers import ChainFollowers
from bridge.workers.payouts.books import LONG_SETTLED, AskedShare, PayoutBooks
from bridge.workers.payouts.sender import PayoutSender
from coordinator.batched import batched
from coordinator.books.restored_wallets import ExamineWallets
from coordinator.payouts.comparisons import Comparison, UnknownTransfer
from coordinator.payouts.payouts import Payout
from coordinator.payouts.statuses import STATUSES_TO_RESOLVE
from providers.contract import InvoiceGateways, PayoutGateway
from providers.errors import ProviderError
from providers.onchain.matching.payment_requests import PROVIDER as OVER_A_CHAIN

__all__ = ["BooksComparison"]

logger = logging.getLogger("bridge.history")

T = TypeVar("T")

PAGE = 200
# A provider that may answer again is asked again after this time; later, if the last attempt took longer.
AGAIN_SECONDS = 5.0
# At the usual pace that is three quarters of an hour, in which nobody is paid out. A person decides about the rest.
QUESTIONS_LIMIT = 100_000
# A follower asks its chain every few seconds.
CHAIN_PATIENCE_SECONDS, CHAIN_POLL_SECONDS = 120.0, 0.5
NAMES_AT_ONCE = 500
# Of what a provider is known to have had in its books. Whoever has lost some has lost the newest first.
KNOWN_ASKED = 5


@dataclass(slots=True)
class _Findings:
    """What a comparison has found so far."""

    payouts_asked: int = 0
    moved: list[str] = field(default_factory=list)
    questions: int = 0
    asked: list[tuple[PayoutBooks, AskedShare]] = field(default_factory=list)
    """The shares that were checked for payouts that the journal has forgotten, and what was found."""
    differing: list[str] = field(default_factory=list)
    not_asked: dict[str, None] = field(default_factory=dict)
    """What could not be asked, each thing once."""
    left_out: list[str] = field(default_factory=list)
    chains: list[str] = field(default_factory=list)
    transfers: list[UnknownTransfer] = field(default_factory=list)
    open_payments: int = 0
    unknown_invoices: list[str] = field(default_factory=list)


class BooksComparison:
    """One task that compares the books of the present history, if that is due, and then ends."""

    def __init__(
        self,
        journal: Journal,
        sender: PayoutSender,
        invoice_gateways: InvoiceGateways,
        chains: ChainFollowers,
        search: ChainSearch,
        examine_wallets: ExamineWallets,
        *,
        per_second: float,
        again_seconds: float = AGAIN_SECONDS,
        questions_limit: int = QUESTIONS_LIMIT,
    ) -> None:
        self._journal = journal
        self._sender = sender
        self._gateways = sender.gateways
        self._invoice_gateways = invoice_gateways
        self._chains = chains
        self._search = search
        self._examine_wallets = examine_wallets
        self._pause_seconds = 1 / per_second
        self._next_start = 0.0
        self._again_seconds = again_seconds
        self._questions_limit = questions_limit
        self._logged: Sequence[str] = ()

    async def run(self) -> None:
        """Compares until everybody who can be asked has been asked."""
        loop = asyncio.get_running_loop()
        while True:
            begun = loop.time()
            try:
                history = await self._journal.history.to_compare()
                if history is None:
                    return
                await self.compare(history)
            except Exception:
                logger.exception("comparing the books failed; trying again")
            await asyncio.sleep(max(self._again_seconds, loop.time() - begun))

    async def compare(self, history: HistoryRecord) -> Comparison:
        """Asks everybody who can be asked, once, and records the answers."""
        found = _Findings()
        await self._ask_about_payouts(found)
        for gateway in self._gateways.values():
            await self._ask_whether_books_are_whole(gateway, found)
            await self._ask_for_names(gateway, found)
        await self._follow_chains(found)
        await self._search_chains(history, found)
        await self._compare_invoices(found)
        found.not_asked |= dict.fromkeys(await self._not_set_up())
        if not found.not_asked:
            # Last, since what was found until now is in the books.
            wallets = await self._examine_wallets(self._gateways.keys(), history.began_at)
            found.differing += wallets.doubts
            found.not_asked |= dict.fromkeys(wallets.unknown)
        comparison = Comparison(
            at=self._journal.clock(),
            payouts_asked=found.payouts_asked,
            moved=tuple(found.moved),
            names_asked=sum(len(asked.known) for _, asked in found.asked),
            forgotten=tuple(one for _, asked in found.asked for one in asked.forgotten),
            differing=tuple(found.differing),
            not_asked=tuple(found.not_asked),
            left_out=tuple(found.left_out),
            chains=tuple(found.chains),
            transfers=tuple(found.transfers),
            open_payments=found.open_payments,
            unknown_invoices=tuple(found.unknown_invoices),
        )
        await self._journal.history.record_comparison(history.epoch, comparison)
        for books, asked in found.asked:
            books.store(asked)
        self._log(comparison)
        return comparison

    def _log(self, comparison: Comparison) -> None:
        """Logs what was not logged the last time."""
        level = logging.INFO if comparison.agrees else logging.WARNING
        lines = list(comparison.lines())
        for line in lines:
            if line not in self._logged:
                logger.log(level, "the books were compared: %s", line)
        self._logged = lines

    async def _not_set_up(self) -> list[str]:
        """Providers whose books cannot be compared yet. Without this, a start that lacks their settings would count
        as a comparison."""
        set_up = {*self._gateways, *self._invoice_gateways, OVER_A_CHAIN}
        return [
            f"{one}, which is not set up" for one in sorted(await self._journal.history.providers_used() - set_up)
        ]

    # Payouts that the journal has

    async def _ask_about_payouts(self, found: _Findings) -> None:
        since = self._journal.clock() - LONG_SETTLED
        after = None
        while page := await self._journal.payouts.to_follow(after=after, failed_since=since, limit=PAGE):
            for payout in page:
                gateway = self._gateways.get(payout.provider)
                if gateway is not None:
                    await self._ask_about(gateway, payout, found)
                elif payout.chain is None:
                    found.left_out.append(f"{payout.payout_id} of {payout.provider}, which is not set up")
            after = page[-1]

    async def _ask_about(self, gateway: PayoutGateway, payout: Payout, found: _Findings) -> None:
        name = payout.external_id
        if payout.is_unasked and name is None:
            return  # it would be among those of the names that are asked for
        found.payouts_asked += 1
        try:
            if payout.is_unasked:
                if name is not None and await self._throttled(lambda: gateway.knows_payout(name, payout.coin)):
                    found.differing.append(
                        f"{gateway.provider} has {name} for {payout.payee_id} in its books, {payout.payout_id}, which"
                        " the journal had asked for in vain; it is not asked for again"
                    )
                return
            seen = await self._throttled(lambda: gateway.look_up_payout(payout, self._journal.clock()))
        except ProviderError as error:
            found.not_asked[f"{gateway.provider} about {payout.payout_id}: {error}"] = None
            return
        keyed = [(observation_key(observation), observation) for observation in seen]
        after = payout
        if keyed:
            after = (await self._journal.payouts.record_observations(payout.payout_id, keyed)).payout
        if after.status is not payout.status:
            found.moved.append(f"{payout.payout_id} is {after.status}, and was {payout.status}")
        if after.was_sent_after_all or after.status in STATUSES_TO_RESOLVE:
            found.differing.append(f"{payout.payout_id} is {'; '.join((after.status, *after.reasons))}")

    async def _ask_whether_books_are_whole(self, gateway: PayoutGateway, found: _Findings) -> None:
        """Asks about what the provider had in its books last, as far as the journal knows: books that have lost it
        do not show either what the journal has forgotten."""
        newest = await self._journal.history.newest_payouts(gateway.provider, PAGE)
        for payout in [one for one in newest if one.facts.booked][:KNOWN_ASKED]:
            name = max(payout.facts.booked)
            try:
                if not await self._throttled(functools.partial(gateway.knows_payout, name, payout.coin)):
                    found.differing.append(_lost(gateway.provider, name, f"payout {payout.payout_id}"))
            except ProviderError as error:
                found.not_asked[f"{gateway.provider} about {payout.payout_id}: {error}"] = None

    # Payouts that the journal has forgotten

    async def _ask_for_names(self, gateway: PayoutGateway, found: _Findings) -> None:
        books = self._sender.books[gateway.provider]
        try:
            coins = await books.coins()
        except ProviderError as error:
            found.not_asked[f"{gateway.provider} for payouts that the journal has forgotten: {error}"] = None
            return
        async for share in payable_shares(self._journal, gateway.provider):
            if found.questions >= self._questions_limit:
                found.left_out.append(
                    f"payments that were {share.payment.status} before {share.payment.created_at:%Y-%m-%d %H:%M} UTC,"
                    f" for which {gateway.provider} may have payouts: {self._questions_limit} questions were asked"
                )
                return
            try:
                await self._ask_for(books, coins, share, found)
            except ProviderError as error:
                found.not_asked[f"{gateway.provider} for payouts that the journal has forgotten: {error}"] = None
                return

    async def _ask_for(
        self, books: PayoutBooks, coins: Collection[str], share: PayableShare, found: _Findings
    ) -> None:
        asked = await books.ask(share.names, share.payouts, coins, self._throttled)
        found.asked.append((books, asked))
        found.questions += asked.questions

    # What else there is

    async def _follow_chains(self, found: _Findings) -> None:
        """Waits until every chain is followed to its newest block, or does not get there in time."""
        give_up = asyncio.get_running_loop().time() + CHAIN_PATIENCE_SECONDS
        while behind := [
            one
            for one in await self._chains.statuses()
            if one.blocks_behind is None or one.blocks_behind > 1 or one.problem
        ]:
            if asyncio.get_running_loop().time() >= give_up:
                for one in behind:
                    reason = one.problem or one.in_short
                    found.not_asked[f"the chain {one.chain.name}: {reason}"] = None
                break
            await asyncio.sleep(CHAIN_POLL_SECONDS)
        for one in await self._chains.statuses():
            if one.followed is not None:
                found.chains.append(f"{one.chain.name} was followed to block {one.followed}")

    async def _search_chains(self, history: HistoryRecord, found: _Findings) -> None:
        """Searches the chains for what left since the journal was copied, and it does not know."""
        forgotten = [one for _, asked in found.asked for one in asked.forgotten]
        said = await self._search.search(history, forgotten, self._gateways)
        found.transfers += said.transfers
        found.chains += said.searched
        found.left_out += said.left_out
        found.not_asked |= dict.fromkeys(said.not_asked)

    async def _compare_invoices(self, found: _Findings) -> None:
        """Counts what is looked up in any case, and names what the journal does not know."""
        for provider, gateway in self._invoice_gateways.items():
            async for page in self._journal.unfinished.open_payments(provider):
                found.open_payments += len(page)
            try:
                names = sorted(set(await gateway.names()))
            except ProviderError as error:
                # It moves no money: webhooks report what was paid for them, and are stored until they are registered.
                found.unknown_invoices.append(f"not listed by {provider}: {error}")
                continue
            for opened in await self._journal.history.newest_invoices(provider, KNOWN_ASKED):
                if opened not in names:
                    found.differing.append(_lost(provider, opened, "an invoice"))
            for part in batched(names, NAMES_AT_ONCE):
                known = await self._journal.history.registered_names(provider, part)
                found.unknown_invoices += [name for name in part if name not in known]

    async def _throttled(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Awaits an answer, at no more than so many a second."""
        loop = asyncio.get_running_loop()
        start = max(self._next_start, loop.time())
        self._next_start = start + self._pause_seconds
        await asyncio.sleep(start - loop.time())
        return await ask()


def _lost(provider: str, name: str, what: str) -> str:
    return (
        f"{provider} does not know {name}, {what} that it had in its books: these have forgotten something too, and"
        " do not show what left since the journal was copied"
    )
