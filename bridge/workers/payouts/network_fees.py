"""Network fees: asks chains what sending payouts and refunds has cost, once each has ended, and writes down of which
ones nobody tells. One task that looks every few seconds; the books take up what it finds.
"""

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta
from typing import NamedTuple

from bridge.journal import NETWORK_FEES, Journal
from bridge.workers.chains.followers import ChainFollowers
from bridge.workers.logged_failures import logged_failures
from coordinator.books.entries import wallet_that_sends
from coordinator.payouts.facts import NetworkFee
from coordinator.payouts.fees_taken import charged_hashes, uncharged_hashes
from coordinator.payouts.payouts import Payout
from providers.errors import ProviderError
from providers.onchain.chains import Chain
from providers.onchain.matching.payment_requests import PROVIDER as DIRECT

__all__ = ["NetworkFees"]

logger = logging.getLogger("bridge.payouts")

INTERVAL_SECONDS = 60.0
# Between two rounds, so that what ends meanwhile is asked about together.
PAUSE_SECONDS = 1.0
AT_ONCE = 100
# A chain that is down may be back on Monday.
ASKED_FOR = timedelta(days=3)

NO_CHAIN = "{provider} does not say what the network took, and there is no chain that is followed to ask"
NOT_ON_CHAIN = "no transaction of it is on its chain"
NO_ENDPOINT = "{chain} is not followed"
NO_OWN_COIN = "what {provider} calls the coin in which {chain} takes its fees stands nowhere in the file of chains"
PAID_ELSEWHERE = "{payer} paid the network for it, whose wallet is none of the books"


class NetworkFees:
    """Finds out what the network took, of whatever it is not known of."""

    def __init__(self, journal: Journal, chains: ChainFollowers) -> None:
        self._journal = journal
        self._chains = chains
        self._after = ""

    async def run(self) -> None:
        """Goes round until it is cancelled."""
        woken = self._journal.wakeups.of(NETWORK_FEES)
        while True:
            woken.clear()
            with logged_failures(logger, "find out what the network took"):
                await self.round()
            await asyncio.sleep(PAUSE_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(INTERVAL_SECONDS):
                    await woken.wait()

    async def round(self) -> None:
        """Asks about the next of them; those whose chain does not answer have their turn again."""
        due = await self._journal.payouts.without_network_fee(after=self._after, limit=AT_ONCE)
        self._after = due[-1].payout.payout_id if len(due) == AT_ONCE else ""
        for one in due:
            found = await self._found(one.payout)
            if isinstance(found, _NotNow) and self._journal.clock() - one.updated_at < ASKED_FOR:
                continue
            known = found.reason if isinstance(found, _NotNow) else found
            await self._journal.payouts.record_network_fees(one.payout.payout_id, known)

    async def _found(self, payout: Payout) -> "dict[str, NetworkFee] | str | _NotNow":
        """What the network took for each transaction, or why nobody will say."""
        if payout.chain is None:
            return NO_CHAIN.format(provider=payout.provider)
        if not charged_hashes(payout):
            return NOT_ON_CHAIN
        chain, rpc = self._chains.chains.get(payout.chain), self._chains.asked_by(payout.chain)
        if chain is None or rpc is None:
            return _NotNow(NO_ENDPOINT.format(chain=payout.chain))
        # It brings web3, which only whoever follows a chain pays for.
        from providers.onchain.reading.paid_fees import paid_fee

        found: dict[str, NetworkFee] = {}
        for tx_hash in uncharged_hashes(payout):
            try:
                paid = await paid_fee(chain, rpc, tx_hash)
            except ProviderError as error:
                return _NotNow(str(error))
            wallet = _wallet_of(payout, paid.payer)
            coin = _coin_of(payout, chain)
            if wallet is None:
                return PAID_ELSEWHERE.format(payer=paid.payer)
            if coin is None:
                return NO_OWN_COIN.format(provider=payout.provider, chain=chain.name)
            found[tx_hash] = NetworkFee(wallet=wallet, coin=coin, amount=paid.amount)
        return found


class _NotNow(NamedTuple):
    """It is not known yet."""

    reason: str


def _wallet_of(payout: Payout, payer: str) -> str | None:
    """The wallet that has paid a fee, as the books call it. A provider's wallet pays out of whichever account of its
    it likes."""
    is_own = payout.sender is None or payer.casefold() == payout.sender.casefold()
    return wallet_that_sends(payout) if is_own else None


def _coin_of(payout: Payout, chain: Chain) -> str | None:
    """What the wallet of a payout calls the chain's own coin."""
    own = chain.own_coin
    if own is None:
        return None
    if payout.provider == DIRECT:
        return own.symbol
    return next((name for provider, name in own.called if provider == payout.provider), None)
