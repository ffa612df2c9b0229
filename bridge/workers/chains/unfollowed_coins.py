"""Coins that somebody waits for, and that the configuration no longer follows or defines differently, or on a chain
that does not begin to be followed, or does not go on."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from bridge.journal import Journal, WaitedCoin
from providers.onchain.chains import Chain, Token
from providers.onchain.matching.followed_tokens import FollowedToken, changed
from providers.onchain.matching.payment_requests import PROVIDER

__all__ = ["UnfollowedCoins", "redefined", "stood", "unfollowed"]

logger = logging.getLogger("bridge.onchain")

# What waits may be cancelled or settled, and then no longer needs the coin. A chain that has not begun by then, or
# did not go on, waits for somebody to set an endpoint right.
CHECK_INTERVAL_SECONDS = 300.0


def unfollowed(waited: Iterable[WaitedCoin], chains: Mapping[str, Chain]) -> dict[str, str]:
    """What to report for each chain on which somebody waits for a coin that is not followed."""
    of_chains: dict[str, list[WaitedCoin]] = {}
    for one in waited:
        chain = chains.get(one.chain)
        if chain is None or _token(chain, one) is None:
            of_chains.setdefault(one.chain, []).append(one)
    return {
        name: f"{', '.join(map(_spelt, coins))}; the configuration does not follow"
        f" {'that chain, which has no endpoints' if name not in chains else 'that'}: put it back, and what came"
        " meanwhile is found, or cancel and settle what waits"
        for name, coins in of_chains.items()
    }


def stood(waited: Iterable[WaitedCoin], problems: Mapping[str, str]) -> dict[str, str]:
    """What to report for each chain that stands, by why, and on which somebody waits."""
    of_chains: dict[str, list[WaitedCoin]] = {}
    for one in waited:
        if one.chain in problems:
            of_chains.setdefault(one.chain, []).append(one)
    return {name: f"{', '.join(map(_spelt, coins))}; {problems[name]}" for name, coins in of_chains.items()}


def redefined(
    chain: Chain, known: Sequence[FollowedToken], waited: Iterable[WaitedCoin]
) -> list[tuple[FollowedToken, Token, int]]:
    """The tokens that differ from when they were last followed, with how many payments and payouts are in them:
    those would be read wrongly."""
    counts: dict[str, int] = {}
    for one in waited:
        token = _token(chain, one)
        if one.chain == chain.name and token is not None:
            counts[token.symbol] = counts.get(token.symbol, 0) + one.count
    return [(before, now, counts[now.symbol]) for before, now in changed(known, chain.tokens) if now.symbol in counts]


class UnfollowedCoins:
    """Looks for them, and reports them on the list of what needs a person."""

    def __init__(
        self, journal: Journal, chains: Mapping[str, Chain], problems: Callable[[], Awaitable[Mapping[str, str]]]
    ) -> None:
        """`problems`: why chains have not begun to be followed, or do not go on."""
        self._journal = journal
        self._chains = chains
        self._problems = problems
        self.said: Mapping[str, str] = {}
        """By chain, what waits and is not followed."""

    async def try_to_refresh(self) -> None:
        """Looks once. If that fails, nothing else is affected."""
        try:
            await self._refresh()
        except Exception:
            logger.exception("could not look for coins that are not followed; trying again later")

    async def _refresh(self) -> None:
        waited = await self._journal.chains.coins_waited_for()
        self.said = unfollowed(waited, self._chains) | stood(waited, await self._problems())
        await self._journal.chains.record_unfollowed(self.said)
        for name, what in self.said.items():
            logger.error("%s: %s", name, what)

    async def run(self) -> None:
        """Looks again and again until it is cancelled."""
        while True:
            await asyncio.sleep(CHECK_INTERVAL_SECONDS)
            await self.try_to_refresh()


def _token(chain: Chain, waited: WaitedCoin) -> Token | None:
    if waited.kind == "payment" or waited.provider == PROVIDER:
        return chain.token(waited.coin)
    return chain.token_of(waited.provider, waited.coin)


def _spelt(waited: WaitedCoin) -> str:
    is_one = waited.count == 1
    return f"{waited.count} {waited.kind}{'' if is_one else 's'} wait{'s' if is_one else ''} for {waited.coin}"
