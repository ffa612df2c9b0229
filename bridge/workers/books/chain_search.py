"""Chain search: searches the chains that are followed for what left since the journal was restored, rewound, copied
or promoted that it does not know, out of wallets and to where people are paid.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bridge.journal import HistoryRecord, Journal
from bridge.workers.books.payable_shares import KnownDues
from bridge.workers.chains.followers import ChainFollowers
from coordinator.payouts.comparisons import ForgottenPayout, UnknownTransfer
from coordinator.payouts.unknown_transfers import Explained, named, unexplained
from providers.contract import PayoutGateways
from providers.onchain.addresses import with_checksum
from providers.onchain.chains import Chain, token_amount
from providers.onchain.matching.matching import CLOCK_TOLERANCE
from providers.onchain.matching.payment_requests import PROVIDER

if TYPE_CHECKING:
    from providers.onchain.nodes.rpc import ChainRpc
    from providers.onchain.reading.party_transfers import Parties, UnreadLog
    from providers.onchain.reading.scanning import Seen

__all__ = ["ChainSearch", "Searched"]

# What a wallet sends is told of a while later: what left before the copy may have been told of after it.
TOLD_LATER = timedelta(hours=1)
# Of a chain with a block each second eleven days.
BLOCKS_LIMIT = 1_000_000
# The chain's own coin leaves no log, so each block is read whole: six hours of a chain with a block in 12 seconds.
OWN_COIN_BLOCKS_LIMIT = 2_000
DESTINATIONS_LIMIT = 2_000


@dataclass(slots=True)
class Searched:
    """What the searches of the chains have found."""

    transfers: list[UnknownTransfer] = field(default_factory=list)
    searched: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    not_asked: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Read:
    """What was read of a chain, so that it is not read again because somebody else does not answer."""

    first: int
    until: int
    seen: list["Seen"] = field(default_factory=list)
    unread: dict["UnreadLog", None] = field(default_factory=dict)
    """What logs tell so that it cannot be read."""


@dataclass(slots=True)
class ChainSearch:
    """Searches each chain once for each history, and then only what came since."""

    _journal: Journal
    _chains: ChainFollowers
    _wallets: Mapping[str, Collection[str]]
    """Of each chain those that are the marketplace's, whether anything was paid out of them or not."""
    _reads: dict[tuple[str, str], _Read] = field(default_factory=dict)
    _dues: KnownDues | None = None

    async def search(
        self, history: HistoryRecord, forgotten: Sequence[ForgottenPayout], gateways: PayoutGateways
    ) -> Searched:
        """Searches all; `forgotten` are payouts that providers named already, with their transactions."""
        found = Searched()
        for chain in self._chains.chains.values():
            rpc = self._chains.asked_by(chain.name)
            if rpc is not None:
                await self._search(chain, rpc, history, forgotten, gateways, found)
        return found

    async def _search(
        self,
        chain: Chain,
        rpc: "ChainRpc",
        history: HistoryRecord,
        forgotten: Sequence[ForgottenPayout],
        gateways: PayoutGateways,
        found: Searched,
    ) -> None:
        # They bring web3, which only whoever follows a chain pays for.
        from providers.onchain.blocks.transfers import MalformedError
        from providers.onchain.nodes.rpc import ChainUnavailableError, RefusedByNodeError
        from providers.onchain.reading.party_transfers import Parties

        known = await self._journal.chains.known_parties(chain.name, DESTINATIONS_LIMIT)
        payees: defaultdict[str, set[str]] = defaultdict(set)
        for destination, payee_id in known.destinations:
            payees[with_checksum(destination)].add(payee_id)
        own = self._wallets.get(chain.name, ())
        wallets = {with_checksum(one) for one in (*known.senders, *own)}
        if not (wallets or payees):
            return
        copied_at = history.last_commit_at
        if copied_at is None:
            found.left_out.append(f"{chain.name} for transfers: nothing says since when any may be missing")
            return
        try:
            read = await self._read(chain, rpc, history.epoch, copied_at, Parties(wallets, payees), found)
        except (ChainUnavailableError, RefusedByNodeError, MalformedError) as error:
            found.not_asked.append(f"the chain {chain.name} for transfers that the journal does not know: {error}")
            return
        found.left_out += [
            f"{chain.name} for what a log of {one.log.tx_hash} in {_blocks(one.first, one.last)} tells of, and which"
            f" cannot be read ({one.log.why}): look with an explorer at what that transaction sent, and to whom"
            for one in read.unread
        ]
        left = [one for one in (_told(chain, seen) for seen in read.seen) if one.destination not in wallets]
        unknown = await self._unexplained(chain, left, forgotten)
        found.searched.append(
            f"{chain.name} was searched from block {read.first} to {read.until - 1}, {len(wallets)} wallets and"
            f" {len(payees)} destinations{_but_for(read)}: the journal does not know {len(unknown)} transfers"
        )
        if not unknown:
            return
        to = [one.destination for one in unknown]
        payouts = await self._journal.chains.payouts_under_way_to(chain.name, to)
        dues = await self._dues_of(gateways).all()
        for one in unknown:
            currencies = _currencies(chain, one.coin, {due.currency for due in dues}, gateways)
            fitting = named(one, payouts, dues, payees.get(one.destination, ()), currencies)
            # To where somebody is paid anybody may send for reasons of their own, and what a wallet sent before the
            # journal was copied had reasons that it need not know.
            is_news = one.mined_at > copied_at - CLOCK_TOLERANCE
            if fitting.fits or (is_news and one.sender in wallets):
                found.transfers.append(fitting)

    async def _read(
        self,
        chain: Chain,
        rpc: "ChainRpc",
        epoch: str,
        copied_at: datetime,
        parties: "Parties",
        found: Searched,
    ) -> _Read:
        """What moved since the journal was copied, and a while before."""
        from providers.onchain.confirming.start_block import StartBlock
        from providers.onchain.reading.party_transfers import own_coin_transfers, token_transfers
        from providers.onchain.reading.ranges import shallow_blocks

        head = (await rpc.head()).number
        read = self._reads.get((epoch, chain.name))
        if read is None:
            since = copied_at - TOLD_LATER
            start = min((await StartBlock(chain, rpc).header(since)).number, head)
            first = max(start, head - BLOCKS_LIMIT + 1)
            read = _Read(first, first)
            if first > start:
                found.left_out.append(
                    f"{chain.name} for transfers in its blocks {start} to {first - 1}: they are too many"
                )
        # What is near the head may have been replaced since.
        start = max(read.first, read.until - shallow_blocks(chain.block_seconds))
        seen = [one for one in read.seen if one.transfer.block.number < start]
        unread = {one: None for one in read.unread if one.last < start}
        told = await token_transfers(rpc, chain, start, head, parties)
        seen += told.seen
        for number, reason in told.refused.items():
            found.not_asked.append(f"the chain {chain.name} for transfers in its block {number}: {reason}")
        refused = list(told.refused)
        if chain.own_coin is not None:
            lowest = max(start, head - OWN_COIN_BLOCKS_LIMIT + 1)
            if lowest > start:
                found.left_out.append(
                    f"{chain.name} for transfers of {chain.own_coin.symbol} in its blocks {start} to {lowest - 1},"
                    " which leave no logs: look with an explorer at what each wallet sent"
                )
            own = await own_coin_transfers(rpc, chain, lowest, head, parties)
            seen += own.seen
            refused += [first for first, _ in own.refused]
            found.not_asked += [
                f"the chain {chain.name} for transfers of {chain.own_coin.symbol} in {_blocks(*span)}: {reason}"
                for span, reason in own.refused.items()
            ]
        # What could not be had is asked for again, with all above it.
        read = _Read(read.first, min(refused, default=head + 1), seen, unread | told.unread)
        self._reads[epoch, chain.name] = read
        return read

    async def _unexplained(
        self, chain: Chain, transfers: Sequence[UnknownTransfer], forgotten: Sequence[ForgottenPayout]
    ) -> list[UnknownTransfer]:
        chains = self._journal.chains
        explained = await chains.explained_by(chain.name, [one.tx_hash for one in transfers])
        explained += [Explained(tx_hash, one.destination) for one in forgotten for tx_hash in one.tx_hashes]
        paid_into = await chains.paid_into(chain.name, [one.destination for one in transfers])
        return unexplained([one for one in transfers if one.destination not in paid_into], explained)

    def _dues_of(self, gateways: PayoutGateways) -> KnownDues:
        if self._dues is None:
            self._dues = KnownDues(self._journal, (PROVIDER, *gateways))
        return self._dues


def _blocks(first: int, last: int) -> str:
    return f"its block {last}" if first == last else f"its blocks {first} to {last}"


def _but_for(read: _Read) -> str:
    number = len(read.unread)
    return f", but for {number} log{'' if number == 1 else 's'} that cannot be read" if number else ""


def _told(chain: Chain, seen: "Seen") -> UnknownTransfer:
    transfer = seen.transfer
    return UnknownTransfer(
        chain=chain.name,
        coin=transfer.token.symbol,
        amount=token_amount(transfer.token, transfer.units),
        sender=transfer.sender,
        destination=transfer.recipient,
        tx_hash=transfer.tx_hash,
        block_number=transfer.block.number,
        mined_at=seen.mined_at,
    )


def _currencies(chain: Chain, coin: str, agreed: Collection[str], gateways: PayoutGateways) -> Collection[str]:
    """Those of some currencies that a coin of a chain counts for one to one."""
    token = chain.token(coin)
    called = [] if token is None else [(gateways[one], name) for one, name in token.called if one in gateways]
    return {
        currency
        for currency in agreed
        if currency == coin or any(gateway.is_worth_itself(name, currency) for gateway, name in called)
    }
