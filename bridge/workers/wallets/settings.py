"""The settings of wallets: when they are compared with the books, which are, and what may differ."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from coordinator.books.wallets import Tolerances
from coordinator.models import FrozenModel
from coordinator.money import Amount
from coordinator.payments.agreed.invoices import Coin
from providers.errors import NotPayableError
from providers.onchain.chains import Chain
from providers.onchain.matching.payment_requests import read_address, read_chain
from providers.settings import SettingsError

__all__ = ["ChainWallet", "WalletRules", "WalletSettings"]

_HOUR = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d")


@dataclass(frozen=True, slots=True)
class ChainWallet:
    """A wallet on a chain that is followed."""

    chain: str
    address: str

    @property
    def name(self) -> str:
        """As the books call it."""
        return f"{self.chain}:{self.address}"


@dataclass(frozen=True, slots=True)
class WalletRules:
    """How wallets are compared."""

    zone: ZoneInfo
    """Whose days they are."""
    at: time | None
    """When they are compared, by its clocks; None: only on request."""
    tolerances: Tolerances
    gathering: timedelta
    """For how long what came may still lie where it was paid to."""
    on_chains: Sequence[ChainWallet] = ()

    @property
    def addresses(self) -> Mapping[str, Collection[str]]:
        """The addresses of those on each chain."""
        return {
            chain: [one.address for one in self.on_chains if one.chain == chain]
            for chain in {one.chain for one in self.on_chains}
        }


class WalletSettings(FrozenModel):
    """When wallets are compared with the books, which are, and what may differ."""

    compare_at: str = "03:00"
    tolerance_percent: Decimal = Field(Decimal(1), ge=0, le=100, max_digits=8)
    tolerances: Mapping[Coin, Amount] = {}
    gathering_minutes: float = Field(120, ge=0, le=7 * 1440)
    on_chains: tuple[str, ...] = ()

    @field_validator("compare_at")
    @classmethod
    def _is_an_hour(cls, value: str) -> str:
        if value and not _HOUR.fullmatch(value):
            raise ValueError('expected a time such as "03:00", or "" for none')
        return value

    def rules(self, zone: ZoneInfo, chains: Mapping[str, Chain]) -> WalletRules:
        """What they come to. Raises SettingsError for a wallet of a chain that is not followed."""
        return WalletRules(
            zone,
            time.fromisoformat(self.compare_at) if self.compare_at else None,
            Tolerances(self.tolerance_percent, self.tolerances),
            timedelta(minutes=self.gathering_minutes),
            [_wallet(name, chains) for name in self.on_chains],
        )


def _wallet(name: str, chains: Mapping[str, Chain]) -> ChainWallet:
    chain, _, address = name.partition(":")
    try:
        return ChainWallet(read_chain(chains, chain).name, read_address(address, field="address"))
    except NotPayableError as error:
        raise SettingsError(f'wallets.on_chains: {name}: {error}; write it such as "ethereum:0x…"') from None
