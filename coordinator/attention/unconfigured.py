"""Unconfigured providers and chains: what waits for a provider, or for a coin of a chain, that the configuration does
not have any more, so that nobody asks about it. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import NamedTuple

from coordinator.attention.items import Attention, AttentionKind

__all__ = ["AtProvider", "Lacking", "WaitingKind", "coin_unfollowed", "numbered", "provider_unset"]


class WaitingKind(StrEnum):
    """What can wait at a provider."""

    PAYMENT = "payment"
    PAYOUT = "payout"
    REFUND = "refund"


class AtProvider(NamedTuple):
    """How many of one kind wait at a provider."""

    provider: str
    what: WaitingKind
    number: int
    since: datetime
    """When the first of them was registered, or ordered."""
    newest_at: datetime
    """And the last."""


class Lacking(NamedTuple):
    """What a provider may lack in the configuration, as questions."""

    to_ask: str
    to_send: str


NOT_INSTALLED = "no provider of that name is installed"
UNKNOWN = Lacking(NOT_INSTALLED, NOT_INSTALLED)


def provider_unset(waiting: Iterable[AtProvider], lacking: Mapping[str, Lacking]) -> list[Attention]:
    """One item for each provider at which something waits, which says what, and what is missing."""
    of_providers = groupby(sorted(waiting), key=lambda one: one.provider)
    return [_item(provider, list(those), lacking.get(provider, UNKNOWN)) for provider, those in of_providers]


def _item(provider: str, waiting: list[AtProvider], lacking: Lacking) -> Attention:
    payments = [one for one in waiting if one.what is WaitingKind.PAYMENT]
    unsent = [one for one in waiting if one.what is not WaitingKind.PAYMENT]
    said = []
    if payments:
        said.append(
            f"{_counted(payments)} to be asked about, and this bridge asks {provider} nothing ({lacking.to_ask})"
        )
    if unsent:
        said.append(
            f"{_counted(unsent)} to be sent, and this bridge sends nothing through {provider} ({lacking.to_send})"
        )
    return Attention(
        kind=AttentionKind.PROVIDER_UNSET,
        subject=provider,
        title=f"Money waits at {provider}, which the configuration does not have any more",
        detail="; ".join(said),
        lasting_detail="; ".join(sorted({one.what for one in waiting})),
        advice=(
            "Put the settings back and start the bridge anew: what came meanwhile is found, and what waits is sent."
            f" If {provider} is gone for good, cancel the payments, reject or resolve the payouts, withdraw the"
            " refunds, settle them otherwise, and dismiss this: it comes back if something new waits."
        ),
        since=min(one.since for one in waiting),
        news_at=max(one.newest_at for one in waiting),
        remedies=("dismiss",),
    )


def numbered(number: int, what: str) -> str:
    """As many of something, such as "2 payments"."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def _counted(waiting: list[AtProvider]) -> str:
    parts = [numbered(one.number, one.what) for one in waiting]
    is_one = len(waiting) == 1 and waiting[0].number == 1
    return f"{' and '.join(parts)} wait{'s' if is_one else ''}"


def coin_unfollowed(chain: str, message: str, raised_at: datetime) -> Attention:
    """Coins of a chain that somebody waits for, and that nobody would see."""
    return Attention(
        kind=AttentionKind.COIN_UNFOLLOWED,
        subject=chain,
        title=f"A coin of {chain} is waited for and not followed",
        detail=message,
        advice=(
            "Set the endpoint right that it names; or put the coin back into the chains file, or the chain's"
            " endpoints into the environment, and start the bridge anew. Or cancel the payments and resolve the"
            " payouts that wait. It goes by itself then."
        ),
        since=raised_at,
        news_at=raised_at,
        chain=chain,
        remedies=("dismiss",),
    )
