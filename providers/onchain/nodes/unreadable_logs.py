"""Unreadable logs: those that nobody tells of so that they can be read are left out, and said: once by each endpoint
for each thing that can be wrong with one, and for a while in readiness.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from providers.onchain.blocks.transfers import UnreadableLog

__all__ = ["UnreadableLogs"]

logger = logging.getLogger("bridge.onchain")

# For so long it is said which blocks had some.
SHOWN_SECONDS = 3600.0
# So many are remembered until their blocks are read again.
REMEMBERED_LIMIT = 256


@dataclass(frozen=True, slots=True)
class _LeftOut:
    """What was left out for one reason."""

    first: int
    last: int
    """Of the blocks."""
    tx_hash: str
    """Of the last one."""
    at: float
    """When the last was."""


@dataclass(slots=True)
class UnreadableLogs:
    """Those of one chain."""

    _chain: str
    _clock: Callable[[], float]
    _left_out: dict[tuple[str, str], _LeftOut] = field(default_factory=dict)
    """By the endpoint's host, and by what is wrong."""
    _lately: deque[UnreadableLog] = field(default_factory=lambda: deque(maxlen=REMEMBERED_LIMIT))

    @property
    def said(self) -> str | None:
        """What was left out lately, for a person to read."""
        some = [(key, one) for key, one in self._left_out.items() if self._clock() <= one.at + SHOWN_SECONDS]
        if not some:
            return None
        (host, why), one = max(some, key=lambda named: named[1].at)
        others = ", and so are others" if len(some) > 1 else ""
        return (
            f"logs of {_spelt(one.first, one.last)} cannot be read as {host} tells of them, and are left out ({why},"
            f" the last of {one.tx_hash}){others}; name the transaction of a payment that is missed"
        )

    def knows(self, unreadable: UnreadableLog) -> bool:
        """Whether just that was left out before, whoever told of it: then it is the token's own way."""
        return unreadable in self._lately

    def note(self, host: str, blocks: range, unreadable: Iterable[UnreadableLog]) -> None:
        """Remembers that some of an endpoint's logs of these blocks are left out."""
        for one in unreadable:
            self._lately.append(one)
            known = self._left_out.get((host, one.why))
            is_news = known is None or self._clock() > known.at + SHOWN_SECONDS
            first, last = blocks[0], blocks[-1]
            if known is not None and not is_news:
                first, last = min(first, known.first), max(last, known.last)
            self._left_out[host, one.why] = _LeftOut(first, last, one.tx_hash, self._clock())
            logger.log(
                logging.ERROR if is_news else logging.INFO,
                "%s: a log in %s cannot be read as %s tells of it, and is left out (%s); name the transaction of a"
                " payment that is missed",
                self._chain,
                _spelt(blocks[0], blocks[-1]),
                host,
                one,
            )


def _spelt(first: int, last: int) -> str:
    return f"block {last}" if first == last else f"blocks {first} to {last}"
