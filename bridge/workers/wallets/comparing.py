"""Compares what wallets hold with what the books say: once a day, by the clocks of the time zone, again soon while
something differs or is not known, and whenever somebody asks. Providers and chains are asked; what they do not say in
time is not known.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial

from bridge.journal import Journal
from bridge.workers.chains.followers import ChainFollowers
from bridge.workers.logged_failures import logged_failures
from bridge.workers.wallets.settings import ChainWallet, WalletRules
from coordinator.books.days import date_in
from coordinator.books.restored_wallets import WalletFindings, doubt_about_wallet
from coordinator.books.wallets import (
    Held,
    Should,
    Unknown,
    WalletCoin,
    WalletComparison,
    compared,
    next_comparison_at,
)
from coordinator.money import ZERO
from providers.errors import ProviderError
from providers.wallet_keepers import WalletKeeper, WalletKeepers

__all__ = ["WalletComparisons"]

logger = logging.getLogger("bridge.wallets")

# How often it is looked whether it is time.
POLL_SECONDS = 60.0
# Somebody may wait for it, and a coin whose node hangs takes a provider ten seconds.
PATIENCE_SECONDS = 40.0
# So that a provider with few threads answers others meanwhile.
QUESTIONS_AT_ONCE = 4

Ask = Callable[[], Awaitable[Decimal]]
"""Asks what there is of a coin. Raises ProviderError."""


class WalletComparisons:
    """Compares all wallets that somebody can be asked about."""

    def __init__(
        self,
        journal: Journal,
        keepers: WalletKeepers,
        chains: ChainFollowers,
        rules: WalletRules,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._journal = journal
        self._keepers = keepers
        self._chains = chains
        self._rules = rules
        self._patience_seconds = patience_seconds
        self._under_way: asyncio.Task[Sequence[WalletComparison]] | None = None

    def work(self) -> Mapping[str, Callable[[], Coroutine[None, None, None]]]:
        """What one bridge at a time does, by the name of its lease; nothing where nobody can be asked."""
        has_any = self._keepers or self._rules.on_chains
        return {"wallets": self.run} if has_any and self._rules.at is not None else {}

    def decimals_of(self, of: WalletCoin) -> int | None:
        """How many decimals a coin of a wallet has; None where that is not known."""
        keeper = self._keepers.get(of.wallet)
        if keeper is not None:
            return keeper.decimals(of.coin)
        chain = self._chains.chains.get(of.wallet.partition(":")[0])
        token = None if chain is None else chain.token(of.coin)
        return None if token is None else token.decimals

    async def aclose(self) -> None:
        """Whoever waits for a comparison does so in vain."""
        if self._under_way is not None:
            self._under_way.cancel()

    async def run(self) -> None:
        """Compares whenever it is time, until it is cancelled."""
        began_at = self._journal.clock()
        while True:
            with logged_failures(logger, "compare wallets with the books"):
                if await self._is_time(began_at):
                    await self.compare()
            await asyncio.sleep(POLL_SECONDS)

    async def _is_time(self, began_at: datetime) -> bool:
        at = self._rules.at
        if at is None or await self._journal.history.to_compare() is not None:
            return False  # what a wallet is noted to hold after a restore would pass for what it held before
        known, now = (await self._journal.wallets.last()).values(), self._journal.clock()
        last = max((one.compared_at for one in known), default=None)
        is_settled = all(one.is_settled for one in known if one.compared_at == last)
        return next_comparison_at(self._rules.zone, at, last, began_at, now, is_settled=is_settled) <= now

    async def compare(self) -> Sequence[WalletComparison]:
        """Compares now, once for all who ask meanwhile. Raises JournalUnavailableError."""
        if self._under_way is None or self._under_way.done():
            self._under_way = asyncio.create_task(self._compare())
        return await asyncio.shield(self._under_way)

    async def _compare(self) -> Sequence[WalletComparison]:
        wallets, known = self._journal.wallets, await self._journal.wallets.last()
        before = await self._should()
        asks = await self._asks({*before, *known})
        held = await self._held(asks)
        after, now = await self._should(), self._journal.clock()
        found = []
        for of, amount in sorted(held.items()):
            said = [books.get(of, Should()) for books in (before, after)]
            if of.wallet not in self._keepers:
                said = [one._replace(gathering=ZERO) for one in said]
            if of in known or any(any(one) for one in said) or (isinstance(amount, Held) and amount.amount):
                found.append(compared(of, known.get(of), said, amount, self._rules.tolerances, now))
        await wallets.record(date_in(self._rules.zone, now).isoformat(), found)
        for one in found:
            if one.differs_since == now:
                logger.warning("%s holds %s %s, and the books differ by %s", *one.of, one.held, one.difference)
        return found

    async def examine(self, providers: Collection[str], began_at: datetime) -> WalletFindings:
        """Looks whether money may have left wallets of some providers that nobody has written down, by what was noted
        of them before a history began. Writes nothing down. Raises JournalUnavailableError."""
        known, before = await self._journal.wallets.last(), await self._should()
        doubts = [
            f"{provider} keeps no wallet that can be asked: nobody can tell whether money left that neither has"
            " written down"
            for provider in providers
            if provider not in self._keepers
        ]
        unknown: list[str] = []
        asks = {of: ask for of, ask in (await self._asks({*before, *known})).items() if of.wallet in providers}
        held = await self._held(asks)
        after = await self._should()
        for of, amount in sorted(held.items()):
            if isinstance(amount, Unknown):
                unknown.append(f"{of.wallet} what it holds of {of.coin}: {amount.reason}")
                continue
            said = [books.get(of, Should()) for books in (before, after)]
            doubt = doubt_about_wallet(of, known.get(of), said, amount, self._rules.tolerances, began_at)
            if doubt is not None:
                doubts.append(doubt)
        return WalletFindings(doubts, unknown)

    async def _should(self) -> Mapping[WalletCoin, Should]:
        return await self._journal.wallets.should(self._journal.clock() - self._rules.gathering)

    async def _asks(self, known: set[WalletCoin]) -> Mapping[WalletCoin, Ask]:
        """What is to be asked: all that a provider or a chain has now, and all that is known of them."""
        asks: dict[WalletCoin, Ask] = {}
        for name, keeper in self._keepers.items():
            coins = {of.coin for of in known if of.wallet == name}
            for coin in coins.union(await self._coins_of(keeper)):
                asks[WalletCoin(name, coin)] = partial(keeper.held, coin)
        for wallet in self._rules.on_chains:
            asks |= self._asks_on_chain(wallet)
        return asks

    async def _coins_of(self, keeper: WalletKeeper) -> Sequence[str]:
        try:
            return await keeper.coins()
        except ProviderError as error:
            logger.warning("%s does not say what it has wallets of: %s", keeper.provider, error)
            return ()

    def _asks_on_chain(self, wallet: ChainWallet) -> Mapping[WalletCoin, Ask]:
        chain, rpc = self._chains.chains[wallet.chain], self._chains.asked_by(wallet.chain)
        if rpc is None:
            return {}
        # It brings web3, which only whoever follows a chain pays for.
        from providers.onchain.reading.balances import balance, final_block

        block: asyncio.Future[int] | None = None

        async def held(symbol: str) -> Decimal:
            nonlocal block
            block = block or asyncio.ensure_future(final_block(chain, rpc))
            token = next(one for one in chain.tokens if one.symbol == symbol)
            return await balance(chain, rpc, token, wallet.address, await asyncio.shield(block))

        return {WalletCoin(wallet.name, token.symbol): partial(held, token.symbol) for token in chain.tokens}

    async def _held(self, asks: Mapping[WalletCoin, Ask]) -> Mapping[WalletCoin, Held | Unknown]:
        turn = asyncio.Semaphore(QUESTIONS_AT_ONCE)
        give_up_at = asyncio.get_running_loop().time() + self._patience_seconds

        async def answer(ask: Ask) -> Held | Unknown:
            try:
                async with asyncio.timeout_at(give_up_at), turn:
                    return Held(await ask())
            except TimeoutError:
                return Unknown(f"no answer within {self._patience_seconds:g} s")
            except ProviderError as error:
                return Unknown(str(error))

        return dict(zip(asks, await asyncio.gather(*map(answer, asks.values())), strict=True))
