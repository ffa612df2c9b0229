"""A clock that is wrong, as the journal and those who sign with their own time show it: one item, however many
payments it makes look odd. Pure."""

from datetime import datetime

from coordinator.attention.items import Attention, AttentionKind
from coordinator.payments.observed.dates import CLOCKS_APART

__all__ = ["clock_wrong"]


def clock_wrong(now: datetime, latest: datetime | None, refused: str | None) -> Attention | None:
    """That the clock is wrong, or was: the `latest` time in the journal is yet to come, or what a provider signed is
    `refused` for its time. None if nothing says so."""
    subject, said = "webhooks", [] if refused is None else [refused]
    if latest is not None and latest > now + CLOCKS_APART:
        subject = f"{latest:%Y-%m-%dT%H:%M}"
        said.append(
            f"what the journal holds is of up to {latest:%Y-%m-%d %H:%M} UTC, and the clock says"
            f" {now:%Y-%m-%d %H:%M} UTC"
        )
    if not said:
        return None
    return Attention(
        kind=AttentionKind.CLOCK_WRONG,
        subject=subject,
        title="The clock of this machine is wrong, or was",
        detail="; ".join(said),
        advice=(
            "Set it right at once, or that of the database where bridges share one, or of the provider's machine:"
            " timedatectl says whether a clock is set by others. Deadlines go by it, so look at what expired"
            " meanwhile. Once it is right, revoke again what access was revoked meanwhile (GET /api/ops/access lists"
            " it): such revocations refuse new tokens, or spare old ones. No payment needs a decision because of it,"
            " and webhooks that were refused come again. It goes by itself once the clock is right; if the clock was"
            " ahead and is right now, dismiss it."
        ),
        since=now,
        remedies=("dismiss",),
        lasting_detail="it differs",  # how much changes all the time
    )
