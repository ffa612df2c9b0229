"""Alert messages: what one destination is told at a time, as it is written down before it is sent. What may have
arrived is sent again as it was, under its name, by which a mailbox knows it. Pure."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import AwareDatetime

from coordinator.models import FrozenModel

__all__ = ["AlertMessage", "AlertSending", "Reported", "Thing", "sending_name"]


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing that a message tells of."""

    heading: str
    detail: str
    said: str
    """Since when, or that it is over."""
    link: str


@dataclass(frozen=True, slots=True)
class AlertMessage:
    """What one destination is told at a time."""

    subject: str
    new: Sequence[Thing]
    more: str | None
    """What else is new, in figures."""
    over: Sequence[Thing]
    more_over: str | None
    link: str
    """To the list."""


class Reported(FrozenModel):
    """One thing that a message tells of."""

    key: str
    news_at: AwareDatetime


class AlertSending(FrozenModel):
    """A message on its way, and what its destination knows once it is there."""

    name: str
    """The same when it is sent again."""
    message: AlertMessage
    new: tuple[Reported, ...]
    over: tuple[Reported, ...]
    is_digest: bool


def sending_name(destination: str, new: Sequence[Reported], over: Sequence[Reported]) -> str:
    """What a message is called that tells a destination of these."""
    parts = [
        destination,
        *(f"{one.key} {one.news_at}" for one in new),
        *(f"over {one.key} {one.news_at}" for one in over),
    ]
    return hashlib.sha256("\n".join(parts).encode(errors="surrogatepass")).hexdigest()[:32]
