"""Every provider the bridge knows, as the settings have them."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from bridge.settings import Settings
from providers.contract import InvoiceGateways, PayoutGateways, WebhookReaders
from providers.onchain.chains import Chain
from providers.shkeeper.webhooks import ShkeeperWebhooks

__all__ = ["Registry", "build_registry"]


@dataclass(frozen=True, slots=True)
class Registry:
    """The providers by what they do: not every one does everything."""

    readers: WebhookReaders
    invoices: InvoiceGateways
    """Those at which the bridge itself opens invoices."""
    payouts: PayoutGateways
    """Those through which the bridge sends payouts."""
    chains: Mapping[str, Chain] = field(default_factory=dict)
    """Those that are followed, for payments and payouts over them, and to check the payouts of others."""
    close: tuple[Callable[[], Awaitable[None]], ...] = ()
    """What is to be let go in the end."""


def build_registry(settings: Settings) -> Registry:
    """A new provider is one more line in each of these, or in those that it can serve."""
    shkeeper = ShkeeperWebhooks(
        api_keys=settings.shkeeper_keys,
        window_seconds=settings.shkeeper_signature_window_seconds,
        accept_api_key_only=settings.shkeeper_accept_api_key_only,
        confirmations=settings.shkeeper_confirmations,
    )
    readers: WebhookReaders = {shkeeper.provider: shkeeper}
    if not settings.shkeeper_url:
        return Registry(readers, {}, {}, settings.chains)
    # They bring an HTTP client, which a bridge that asks SHKeeper nothing does without.
    from providers.shkeeper.api import ShkeeperApi
    from providers.shkeeper.credentials import CredentialCheck
    from providers.shkeeper.invoices import ShkeeperInvoices
    from providers.shkeeper.payouts import ShkeeperPayouts

    password = settings.shkeeper_password.get_secret_value()
    api = ShkeeperApi(url=settings.shkeeper_url, api_keys=settings.shkeeper_keys)
    credentials = CredentialCheck(api, user=settings.shkeeper_user, password=password)
    invoices = ShkeeperInvoices(
        api,
        credentials,
        confirmations=settings.shkeeper_confirmations,
        decimals=settings.shkeeper_coin_decimals,
    )
    payouts = ShkeeperPayouts(
        api,
        user=settings.shkeeper_user,
        password=password,
        callback_url=settings.callback_url(ShkeeperPayouts.provider),
        coins=invoices.coins,
        decimals=settings.shkeeper_coin_decimals,
        rate_margin_percent=settings.payout_rate_margin_percent,
        test_networks=settings.shkeeper_test_networks,
    )
    return Registry(
        readers,
        {invoices.provider: invoices},
        {payouts.provider: payouts} if settings.shkeeper_user else {},
        settings.chains,
        close=(api.aclose,),
    )
