"""Which of a chain's endpoints is asked. One that fails, throttles, lags or lies is set aside, and tried again later:
the longer the more often it has failed. One that is slow is asked after the others. Pure: the time is passed in.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from coordinator.waits import backoff

__all__ = [
    "Fault",
    "NodeEndpoint",
    "after_answer",
    "after_fault",
    "after_head",
    "after_seconds",
    "apart",
    "choose",
    "fault_of_head",
    "is_too_fast",
    "lag_blocks",
    "slow",
]

# Behind the best head by more than this, and than the blocks of so many seconds, an endpoint lags. Less is a matter
# of who heard first.
LAG_BLOCKS = 3
LAG_SECONDS = 3.0
# No chain is so much ahead of what it was, and so many times faster than it is said to be: whoever says so is wrong.
TOO_MANY_BLOCKS = 1_000
TOO_MANY_TIMES = 100
# Endpoints are far apart by more than this, and than the blocks of a minute: on fast chains many a one is some blocks
# behind all the time, and some are asked more often than others.
FAR_BLOCKS = 16
FAR_SECONDS = 60.0
# Those that are so for longer than this, and than ten blocks take, are not because one heard first.
APART_SECONDS = 60.0
APART_BLOCKS = 10
# An answer that takes longer than this, and so many times as long as the quickest endpoint's, is slow. Each answer
# counts by such a share, so that one which was late once is not slow, and one that is quick again soon is so.
SLOW_SECONDS = 2.0
SLOW_TIMES = 4
SHARE_OF_AN_ANSWER = 0.3
FIRST_SUSPENSION_SECONDS = 1.0
LONGEST_SUSPENSION_SECONDS = 300.0


class Fault(StrEnum):
    """What was wrong with an endpoint."""

    UNREACHABLE = "unreachable"
    """No answer, or an error."""
    THROTTLED = "throttled"
    """Too many questions, it says."""
    WRONG_CHAIN = "wrong-chain"
    LAGGING = "lagging"
    INCONSISTENT = "inconsistent"
    """Its answers contradict each other, or another endpoint's."""


# How long the first time, in seconds: whoever lies is not asked again soon, whoever is busy may be free in a moment.
_SUSPENDED_SECONDS = {
    Fault.UNREACHABLE: FIRST_SUSPENSION_SECONDS,
    Fault.THROTTLED: 5.0,
    Fault.LAGGING: 5.0,
    Fault.INCONSISTENT: 30.0,
    Fault.WRONG_CHAIN: LONGEST_SUSPENSION_SECONDS,
}


@dataclass(frozen=True, slots=True)
class NodeEndpoint:
    """One node, and how it has been doing."""

    host: str
    """What may be shown of its URL."""
    faults_in_a_row: int = 0
    suspensions_in_a_row: int = 0
    suspended_until: float = 0.0
    last_fault: Fault | None = None
    last_reason: str = ""
    """What was wrong, for a person to read."""
    head: int = 0
    """The newest block that it has shown."""
    behind_since: float | None = None
    """Since when that is far below another's, whenever it was asked."""
    answer_seconds: float | None = None
    """How long it took lately to answer; None before it did for the first time."""

    def is_suspended(self, now: float) -> bool:
        return now < self.suspended_until


def choose(endpoints: Sequence[NodeEndpoint], now: float) -> list[int]:
    """In which order to ask them, by their places: those in good standing, in the order of the configuration, and the
    slow ones after the others; if none is, all, the one that comes back first at the front, since asking in vain is
    better than not asking."""
    last = slow(endpoints, now)
    good = [place for place, endpoint in enumerate(endpoints) if not endpoint.is_suspended(now)]
    return sorted(good, key=lambda place: place in last) or sorted(
        range(len(endpoints)), key=lambda place: endpoints[place].suspended_until
    )


def slow(endpoints: Sequence[NodeEndpoint], now: float) -> set[int]:
    """Those in good standing that are slow, beside a quick one, by their places."""
    good = [place for place, endpoint in enumerate(endpoints) if not endpoint.is_suspended(now)]
    known = {place: seconds for place in good if (seconds := endpoints[place].answer_seconds) is not None}
    limit_seconds = max(SLOW_SECONDS, SLOW_TIMES * min(known.values(), default=0))
    return {place for place, seconds in known.items() if seconds > limit_seconds}


def after_answer(endpoint: NodeEndpoint) -> NodeEndpoint:
    """After a good answer."""
    return replace(
        endpoint, faults_in_a_row=0, suspensions_in_a_row=0, suspended_until=0.0, last_fault=None, last_reason=""
    )


def after_seconds(endpoint: NodeEndpoint, seconds: float) -> NodeEndpoint:
    """After an answer that took so long."""
    before = seconds if endpoint.answer_seconds is None else endpoint.answer_seconds
    return replace(endpoint, answer_seconds=before + SHARE_OF_AN_ANSWER * (seconds - before))


def after_fault(endpoint: NodeEndpoint, fault: Fault, reason: str, now: float) -> NodeEndpoint:
    """After something was wrong with it. Questions that were under way together fail together, and while all
    endpoints are away each is asked on: that makes no suspension longer than the first fault did."""
    suspensions = endpoint.suspensions_in_a_row + (not endpoint.is_suspended(now))
    seconds = backoff(_SUSPENDED_SECONDS[fault], suspensions, LONGEST_SUSPENSION_SECONDS)
    return replace(
        endpoint,
        faults_in_a_row=endpoint.faults_in_a_row + 1,
        suspensions_in_a_row=suspensions,
        suspended_until=max(endpoint.suspended_until, now + seconds),
        last_fault=fault,
        last_reason=reason,
    )


def after_head(
    endpoints: Sequence[NodeEndpoint], place: int, head: int, now: float, block_seconds: float
) -> NodeEndpoint:
    """After one of them has shown its newest block."""
    shown = replace(endpoints[place], head=head)
    others = [*endpoints[:place], *endpoints[place + 1 :]]
    is_behind = head + _far(block_seconds) < max(_heads(others, now), default=0)
    since = now if shown.behind_since is None else shown.behind_since
    return replace(shown, behind_since=since if is_behind else None)


def fault_of_head(endpoints: Sequence[NodeEndpoint], place: int, now: float, block_seconds: float) -> Fault | None:
    """What is wrong with how far one of them is, held against those in good standing: it is far behind the best head.
    Of three or more that is the best that two have come to, and whoever is far beyond it is alone."""
    head, heads = endpoints[place].head, _heads(endpoints, now)
    is_of_several = len(heads) > 2
    best = heads[1] if is_of_several else max(heads, default=0)
    if head + lag_blocks(block_seconds) < best:
        return Fault.LAGGING
    return Fault.INCONSISTENT if is_of_several and head > best + _far(block_seconds) else None


def apart(endpoints: Sequence[NodeEndpoint], now: float, block_seconds: float) -> str | None:
    """Which endpoints have been far apart for long, for a person to read; None if none are."""
    patience = max(APART_SECONDS, APART_BLOCKS * block_seconds)
    best = max(endpoints, key=lambda one: one.head)
    behind = [one for one in endpoints if one.behind_since is not None and now >= one.behind_since + patience]
    if not behind or best in behind:
        return None
    said = ", ".join(f"{one.host} is at block {one.head}" for one in behind)
    return f"{said}, and {best.host} at {best.head}: one stands still, or is wrong; money waits for the word of both"


def lag_blocks(block_seconds: float) -> int:
    """By how many blocks an endpoint may be behind another one without lagging."""
    return max(LAG_BLOCKS, math.ceil(LAG_SECONDS / block_seconds))


def _far(block_seconds: float) -> float:
    """In blocks."""
    return max(FAR_BLOCKS, FAR_SECONDS / block_seconds)


def _heads(endpoints: Sequence[NodeEndpoint], now: float) -> list[int]:
    """The newest blocks of those in good standing, the highest first."""
    return sorted((one.head for one in endpoints if not one.is_suspended(now)), reverse=True)


def is_too_fast(blocks: int, seconds: float, block_seconds: float) -> bool:
    """Whether a chain cannot have made so many blocks in the time between the first of them and the last, by what the
    blocks say of it themselves."""
    return blocks > TOO_MANY_BLOCKS + TOO_MANY_TIMES * max(seconds, 0) / block_seconds
