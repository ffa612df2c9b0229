"""Standstill: a chain that cannot be followed on, since its endpoints show different ones and nobody can tell which
of them is right. A person is called with what each shows, and the item leaves the list once the chain goes on."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from providers.onchain.chains import Chain
from providers.onchain.matching.position import Following
from providers.onchain.nodes.pool import ChainUnavailableError, EndpointsDisagreeError
from providers.onchain.steps import Step
from providers.onchain.store import Alarm

__all__ = ["STANDING_SECONDS", "Standstill"]

logger = logging.getLogger("bridge.onchain")

# One that was reorganised just now is shown in two ways for a moment.
STANDING_SECONDS = 60.0


@dataclass(slots=True)
class Standstill:
    """Remembers since when one chain does not go on."""

    _chain: Chain
    _clock: Callable[[], float]
    _since: float | None = None

    def failed(self, following: Following | None, error: ChainUnavailableError) -> Step | None:
        """After a round that failed: what a person is to be called for; None if nothing, or if it was said before."""
        now = self._clock()
        since = self._since = now if self._since is None else self._since
        if following is None or following.stands_at is not None or not isinstance(error, EndpointsDisagreeError):
            return None
        if now < since + STANDING_SECONDS:
            return None
        number, said = following.next_number, str(error).removeprefix(f"{self._chain.name}: ")
        said = f"{said}; it is followed no further, and nothing more counts"
        logger.critical("%s: block %d: %s", self._chain.name, number, said)
        step = Step(replace(following, stands_at=number))
        step.alarms.append(Alarm("contradicted", number, said))
        return step

    def went_through(self, step: Step) -> None:
        """After a round that did not fail: takes what was said off the list."""
        self._since = None
        if step.following.stands_at is not None:
            step.agreed_blocks.add(step.following.stands_at)
            step.following = replace(step.following, stands_at=None)
