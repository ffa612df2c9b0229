"""Providers that are set up and cannot be asked, while payments or payouts wait for what they say. Pure."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from coordinator.attention.items import Attention, AttentionKind
from coordinator.attention.unconfigured import numbered

__all__ = ["Unasked", "provider_unreachable"]


class Unasked(NamedTuple):
    """What waits for a provider that cannot be asked."""

    payments: int
    """Those that wait for money."""
    expired: int
    """Those whose time ran out since then: nobody could ask whether their money had come."""
    payouts: int
    """Those that are to be sent or followed, refunds among them."""


def provider_unreachable(
    provider: str, said: str, since: datetime, unasked: Unasked, *, is_refused: bool, signatures_refused: int = 0
) -> Attention:
    """`said` is what went wrong when it was asked last; `is_refused` whether it turned the bridge's key or password
    away; `signatures_refused` how many webhooks came since whose signature did not fit."""
    what = f"{provider} turns the bridge away" if is_refused else f"{provider} does not answer"
    details = [f"{what} since {since:%Y-%m-%d %H:%M} UTC: {said}", *_waiting(unasked)]
    if is_refused and signatures_refused:
        details.append(
            f"{numbered(signatures_refused, 'webhook')} came since whose signature fits no key of the bridge's, maybe"
            f" of {provider} with its new key"
        )
    advice = (
        f"Compare the key, the user and the password that the bridge is configured with with those of {provider};"
        " bridge doctor says which are refused. Put the right ones in and start the bridge anew."
        if is_refused
        else f"Look whether {provider} runs, and whether this machine reaches it; bridge doctor asks it."
    )
    return Attention(
        kind=AttentionKind.PROVIDER_UNREACHABLE,
        subject=provider,
        title=f"{provider} cannot be asked about money that waits",
        detail="; ".join(details),
        lasting_detail=what,
        advice=(
            f"{advice} Once it answers, what came is found and counted, also for payments that expired meanwhile, and"
            " this goes by itself. Until then tell no buyer that their money has not come."
        ),
        since=since,
        news_at=since,
        remedies=("dismiss",),
    )


def _waiting(unasked: Unasked) -> Iterator[str]:
    if unasked.payments:
        yield f"{numbered(unasked.payments, 'payment')} to be asked about"
    if unasked.expired:
        yield f"{numbered(unasked.expired, 'payment')} expired since, of which nobody knows whether the money came"
    if unasked.payouts:
        yield f"{numbered(unasked.payouts, 'payout')} to be sent or followed"
