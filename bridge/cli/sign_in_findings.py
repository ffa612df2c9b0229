"""What `bridge doctor` finds about the identity provider at which staff sign in."""

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from coordinator.errors import BridgeError
from providers.findings import Finding, readable_by_others

if TYPE_CHECKING:
    from bridge.access.identity_provider import Discovered
    from bridge.access.oidc_settings import OidcClient, OidcSettings
    from bridge.settings import Settings

__all__ = ["sign_in_findings"]


def sign_in_findings(settings: "Settings") -> Iterator[Finding]:
    """Asks the provider what the bridge would ask it, and whether it knows the client by its secret."""
    from bridge.registry import require_place_to_sign_in

    try:
        require_place_to_sign_in(settings)
        client = settings.oidc_client
    except BridgeError as error:
        yield Finding("error", str(error))
        return
    if client is None:
        return
    yield from readable_by_others(settings.oidc.client_secret_file)
    yield from _rights(settings.oidc)
    try:
        found = asyncio.run(_asked(client))
    except BridgeError as error:
        yield Finding("error", f"oidc: {error}")
        return
    yield from _provider(settings.oidc, found)


async def _asked(client: "OidcClient") -> "Discovered":
    from bridge.access.identity_provider import IdentityProvider

    provider = IdentityProvider(client)
    try:
        found = await provider.discovered()
        await provider.keys()
        await provider.require_good_secret()
    finally:
        await provider.aclose()
    return found


def _rights(oidc: "OidcSettings") -> Iterator[Finding]:
    if oidc.of_nobody:
        yield Finding("warning", f"the provider gives nobody who signs in there {' or '.join(oidc.of_nobody)}")


def _provider(oidc: "OidcSettings", found: "Discovered") -> Iterator[Finding]:
    from bridge.access.key_sets import KEY_SET_ALGORITHMS

    signed_with = found.id_token_signing_alg_values_supported
    if signed_with and not set(KEY_SET_ALGORITHMS).intersection(signed_with):
        yield Finding(
            "error",
            f"oidc: the provider signs with {', '.join(signed_with)}; have it sign the client's ID tokens with"
            f" {' or '.join(KEY_SET_ALGORITHMS)}",
        )
    if found.code_challenge_methods_supported and "S256" not in found.code_challenge_methods_supported:
        yield Finding("warning", "oidc: the provider does not say that it knows PKCE (S256); it should")
    ends = "signs people out there too" if found.end_session_endpoint else "has no place to sign people out"
    yield Finding("ok", f"staff sign in at {oidc.shown_name}, which knows the client and {ends}")
