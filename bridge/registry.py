"""Every neighbour that the bridge knows, as the settings have them: providers, and whoever is told of what needs a
person."""

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bridge.settings import Settings, SettingsError
from bridge.workers.alerts.destinations import Destination, destinations
from bridge.workers.wallets.settings import WalletRules
from coordinator.books.days import zone_named
from providers import known
from providers.contract import InvoiceGateways, PayoutGateways, WebhookReaders
from providers.onchain.chains import Chain
from providers.wallet_keepers import WalletKeepers

if TYPE_CHECKING:
    from bridge.access.asking import GrantsAsker

__all__ = ["Registry", "build_registry"]


@dataclass(frozen=True, slots=True)
class Registry:
    """The providers by what they do: not every one does everything."""

    readers: WebhookReaders
    invoices: InvoiceGateways
    """Those at which the bridge itself opens invoices."""
    payouts: PayoutGateways
    """Those through which the bridge sends payouts."""
    wallets: WalletKeepers
    """Those that say what their wallets hold."""
    wallet_rules: WalletRules
    """How those, and wallets on chains, are compared with the books."""
    chains: Mapping[str, Chain] = field(default_factory=dict)
    """Those that are followed, for payments and payouts over them, and to check the payouts of others."""
    grants_asker: "GrantsAsker | None" = None
    """Who asks the marketplace what users are granted."""
    told: Sequence[Destination] = ()
    """Who hears of what needs a person."""
    close: tuple[Callable[[], Awaitable[None]], ...] = ()
    """What is to be let go in the end."""


def build_registry(settings: Settings) -> Registry:
    connected = {
        provider.name: provider.connect(settings, settings.surroundings(provider.name))
        for provider in known.PROVIDERS
    }
    asker = settings.grants.asker()
    if asker is not None and settings.access == "open":
        raise SettingsError('grants.url is asked what tokens do not say, and there are none; set access = "jwt"')
    close = [one.close for one in connected.values() if one.close is not None]
    close += [] if asker is None else [asker.aclose]
    return Registry(
        {name: one.reader for name, one in connected.items() if one.reader is not None},
        {name: one.invoices for name, one in connected.items() if one.invoices is not None},
        {name: one.payouts for name, one in connected.items() if one.payouts is not None},
        {name: one.wallets for name, one in connected.items() if one.wallets is not None},
        settings.wallets.rules(zone_named(settings.time_zone), settings.chains),
        settings.chains,
        grants_asker=asker,
        told=destinations(settings.alerts, os.environ),
        close=tuple(close),
    )
