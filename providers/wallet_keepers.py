"""What a provider that keeps wallets says of them."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Protocol

__all__ = ["WalletKeeper", "WalletKeepers"]


class WalletKeeper(Protocol):
    """Keeps the wallets that money comes into. Every method raises ProviderError."""

    @property
    def provider(self) -> str: ...

    async def coins(self) -> Sequence[str]:
        """What there are wallets of at this moment."""

    async def held(self, coin: str) -> Decimal:
        """What the wallet of a coin holds. Raises ProviderError also where that is not known, as while its node is
        down: what is not known is never nothing."""

    def decimals(self, coin: str) -> int | None:
        """How many decimals a coin has; None where that is not known."""


WalletKeepers = Mapping[str, WalletKeeper]
"""Each provider that keeps wallets, by its name."""
