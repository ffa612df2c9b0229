"""What SHKeeper's wallets hold.

SHKeeper writes 0 for a wallet that does not answer, and asks how its node is in another breath: a balance counts only
beside a node that is up to date, and 0 only if it is said twice. Of the coins that it gathers (those of EVM chains,
Tron and their like) it counts what is gathered, and not what still lies where it was paid to.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from urllib.parse import quote

from coordinator.money import Amount
from providers.errors import CoinUnavailableError
from providers.shkeeper.asking.api import UP_TO_DATE, ShkeeperApi
from providers.shkeeper.asking.refusals import shown
from providers.shkeeper.asking.subjects import require_subject
from providers.shkeeper.coins import DECIMALS
from providers.shkeeper.webhooks.webhooks import PROVIDER
from providers.shkeeper.wire import Wire, Words

__all__ = ["ShkeeperWallets"]


class BalanceAnswer(Wire):
    """`GET /{crypto}/balance`."""

    amount_crypto: Amount
    server_status: Words
    name: Words | None = None
    """The coin."""


class ShkeeperWallets:
    """The wallets of one SHKeeper."""

    provider = PROVIDER

    def __init__(
        self, api: ShkeeperApi, coins: Callable[[], Awaitable[Sequence[str]]], decimals: Mapping[str, int]
    ) -> None:
        """`coins` asks what SHKeeper has; `decimals` are those of coins for which somebody said so."""
        self._api = api
        self._coins = coins
        self._decimals = {**DECIMALS, **decimals}

    async def coins(self) -> Sequence[str]:
        return await self._coins()

    async def held(self, coin: str) -> Decimal:
        return await self._said(coin) or await self._said(coin)

    def decimals(self, coin: str) -> int | None:
        return self._decimals.get(coin)

    async def _said(self, coin: str) -> Decimal:
        answer = await self._api.ask(BalanceAnswer, "GET", f"{quote(coin)}/balance", coin=coin)
        require_subject("name", answer.name, coin)
        if answer.server_status.strip().casefold() != UP_TO_DATE:
            raise CoinUnavailableError(coin, f"{coin}: its node is not up to date: {shown(answer.server_status)}")
        return answer.amount_crypto
