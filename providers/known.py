"""The providers that the bridge knows: a line for each. What a provider needs beyond that is its own."""

from providers.contract import Provider
from providers.shkeeper.provider import Shkeeper

__all__ = ["PROVIDERS", "named"]

PROVIDERS: tuple[Provider, ...] = (Shkeeper(),)


def named(name: str) -> Provider | None:
    """The provider of a name; None if there is none, as for what goes over a chain."""
    return next((provider for provider in PROVIDERS if provider.name == name), None)
