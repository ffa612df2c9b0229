"""Every neighbour that the bridge knows, as the settings have them: providers, and whoever is told of what needs a
person."""

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bridge.configuration.files import DEFAULT_CONFIG_FILE
from bridge.environment import CONFIG_FILE_VARIABLE
from bridge.http.ops.sign_in import RETURN_PATH, SignInDesk
from bridge.settings import Settings, SettingsError
from bridge.workers.alerts.destinations import Destination, destinations
from bridge.workers.wallets.settings import WalletRules
from coordinator.books.days import zone_named
from providers import known
from providers.contract import InvoiceGateways, PayoutGateways, UnzonedDates, WebhookReaders
from providers.findings import is_this_machine
from providers.onchain.chains import Chain
from providers.wallet_keepers import WalletKeepers

if TYPE_CHECKING:
    from bridge.access.grant_lookup import GrantLookup
    from bridge.access.identity_provider import IdentityProvider
    from bridge.access.tokens import TokenVerifier

__all__ = [
    "Registry",
    "build_registry",
    "require_place_to_sign_in",
    "require_tokens_for_grants",
    "require_use_of_keys",
    "sign_in_desk",
]


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
    dates: Mapping[str, UnzonedDates] = field(default_factory=dict)
    """Those of the providers that do not name the zone of their dates."""
    chains: Mapping[str, Chain] = field(default_factory=dict)
    """Those that are followed, for payments and payouts over them, and to check the payouts of others."""
    grants_asker: "GrantLookup | None" = None
    """Who asks the marketplace what users are granted."""
    identity_provider: "IdentityProvider | None" = None
    """Where staff sign in to the console."""
    alerted: Sequence[Destination] = ()
    """Who hears of what needs a person."""
    close: tuple[Callable[[], Awaitable[None]], ...] = ()
    """What is to be let go in the end."""


def build_registry(settings: Settings) -> Registry:
    connected = {
        provider.name: provider.connect(settings, settings.surroundings(provider.name))
        for provider in known.PROVIDERS
    }
    require_tokens_for_grants(settings)
    asker = settings.grants.asker()
    identity_provider = _identity_provider(settings)
    close = [one.close for one in connected.values() if one.close is not None]
    close += [] if asker is None else [asker.aclose]
    close += [] if identity_provider is None else [identity_provider.aclose]
    return Registry(
        {name: one.reader for name, one in connected.items() if one.reader is not None},
        {name: one.invoices for name, one in connected.items() if one.invoices is not None},
        {name: one.payouts for name, one in connected.items() if one.payouts is not None},
        {name: one.wallets for name, one in connected.items() if one.wallets is not None},
        settings.wallets.rules(zone_named(settings.time_zone), settings.chains),
        {name: one.dates for name, one in connected.items() if one.dates is not None},
        settings.chains,
        grants_asker=asker,
        identity_provider=identity_provider,
        alerted=destinations(settings.alerts, os.environ),
        close=tuple(close),
    )


def require_use_of_keys(settings: Settings) -> None:
    """Raises SettingsError where nobody is asked for a token, and there are keys to verify tokens with: who brought
    them did not mean everybody to be let in, such as by a start in a folder without the settings."""
    if settings.access != "open":
        return
    secrets_file = settings.file_of("jwt_secrets_file")
    brought = {
        "BRIDGE_JWT_SECRETS": bool(settings.jwt_secrets),
        f"jwt_secrets_file ({secrets_file})": secrets_file is not None,
        f"jwt_jwks_file ({settings.jwt_jwks_file})": settings.jwt_jwks_file is not None,
        "BRIDGE_OIDC_CLIENT_SECRET": bool(settings.oidc_client_secret.get_secret_value()),
    }
    if any(brought.values()):
        raise SettingsError(
            f"access is open, so nobody is asked for a token, and there are keys for tokens:"
            f' {", ".join(name for name, is_there in brought.items() if is_there)}; set access = "jwt", or take the'
            " keys away. If the settings say so already, they were not read: name their file with --config or in"
            f" {CONFIG_FILE_VARIABLE}, or start the bridge in the folder in which {DEFAULT_CONFIG_FILE} is"
        )


def require_tokens_for_grants(settings: Settings) -> None:
    """Raises SettingsError where the marketplace would be asked what tokens do not say, and there are none."""
    if settings.grants.url and settings.access == "open":
        raise SettingsError('grants.url is asked what tokens do not say, and there are none; set access = "jwt"')


def require_place_to_sign_in(settings: Settings) -> None:
    """Raises SettingsError where staff could not come back from the identity provider, or would be nobody here."""
    if not settings.oidc.issuer:
        return
    if settings.access == "open":
        raise SettingsError('oidc.issuer is where staff sign in, and nobody is asked to; set access = "jwt"')
    if not settings.public_url.startswith("https://") and not is_this_machine(settings.public_url):
        raise SettingsError(
            "oidc.issuer needs public_url, an address that begins with https://: the provider sends browsers back to"
            f" <public_url>{RETURN_PATH}"
        )


def _identity_provider(settings: Settings) -> "IdentityProvider | None":
    require_place_to_sign_in(settings)
    client = settings.oidc_client
    if client is None:
        return None
    # It brings an HTTP client and PyJWT.
    from bridge.access.identity_provider import IdentityProvider

    return IdentityProvider(client)


def sign_in_desk(settings: Settings, registry: Registry, verifier: "TokenVerifier | None") -> SignInDesk | None:
    """Who signs staff in; None where nobody signs in at a provider."""
    provider, client = registry.identity_provider, settings.oidc_client
    if provider is None or client is None or verifier is None:
        return None
    from bridge.access.sign_ins import SignIns

    signs_in = SignIns(provider, client, verifier, redirect_uri=f"{settings.public_url}{RETURN_PATH}")
    return SignInDesk(signs_in, settings.public_url, settings.own_origins)
