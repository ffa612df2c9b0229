"""The providers that the bridge knows: a line for each. What a provider needs beyond that is its own."""

from providers.contract import Provider
from providers.shkeeper.provider import Shkeeper

__all__ = ["PROVIDERS", "named", "no_payouts_through"]

PROVIDERS: tuple[Provider, ...] = (Shkeeper(),)


def named(name: str) -> Provider | None:
    """The provider of a name; None if there is none, as for what goes over a chain."""
    return next((provider for provider in PROVIDERS if provider.name == name), None)


def no_payouts_through(name: str) -> str:
    """What to say where the bridge sends no payouts through a provider, with what may be missing for that."""
    own = named(name)
    hint = "" if own is None else f"; {own.how_to_send_payouts}"
    return f"this bridge sends no payouts through {name}{hint}"
