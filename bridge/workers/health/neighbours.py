"""Neighbours: the other bridges of the journal, and whether they have the same settings as this one."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from pydantic import ConfigDict

from bridge.catalogue.system import NodeStatus
from bridge.journal import JournalUnavailableError, NodeRecords, NodeReport
from bridge.journal.liveness import GONE_AFTER, SAID_EVERY_SECONDS

__all__ = ["Neighbours", "SelfReport", "differing", "is_gone"]

logger = logging.getLogger("bridge.system")


class SelfReport(NodeStatus):
    """What a bridge says of itself to the others. A newer one may say more."""

    model_config = ConfigDict(extra="ignore")

    settings: Mapping[str, str] = {}
    """What has to be alike at each, as digests by their names; none of a bridge that says nothing of it."""

    def status(self) -> NodeStatus:
        """How it is doing."""
        return NodeStatus(**{name: value for name, value in self if name in NodeStatus.model_fields})


def is_gone(report: NodeReport, now: datetime) -> bool:
    """Whether a bridge is, as far as others can tell."""
    return report.seen_at <= now - GONE_AFTER


def differing(own: Mapping[str, str], other: Mapping[str, str]) -> Sequence[str]:
    """The settings in which two bridges differ, as far as both say something of them."""
    return sorted(name for name in own.keys() & other.keys() if own[name] != other[name])


class Neighbours:
    """Looks at them as often as they say that they are there."""

    def __init__(
        self,
        nodes: NodeRecords,
        *,
        settings: Callable[[], Mapping[str, str]],
        clock: Callable[[], datetime],
        seen: Callable[[Mapping[str, datetime]], object] = lambda _: None,
    ) -> None:
        """`seen` is told, with each look, which of them take clients, and when each was seen last."""
        self._seen = seen
        self._nodes = nodes
        self._settings = settings
        self._clock = clock
        self._trouble: str | None = None

    def trouble(self) -> str | None:
        """In what another differs; None if none does."""
        return self._trouble

    async def run(self) -> None:
        """Goes on until it is cancelled."""
        while True:
            with suppress(JournalUnavailableError):
                self._see(await self._nodes.reports())
            await asyncio.sleep(SAID_EVERY_SECONDS)

    def _see(self, reports: Sequence[NodeReport]) -> None:
        now, own = self._clock(), self._settings()
        others = [one for one in reports if one.node != self._nodes.own and not is_gone(one, now)]
        said = {one.node: SelfReport.model_validate_json(one.report) for one in others if one.report is not None}
        self._seen({one.node: one.seen_at for one in others if one.node in said and not said[one.node].is_stopping})
        found = [
            f"{one.name} ({', '.join(names)})" for one in said.values() if (names := differing(own, one.settings))
        ]
        trouble = f"bridges of this journal have other settings than this one: {'; '.join(found)}" if found else None
        if trouble is not None and trouble != self._trouble:
            logger.warning("%s; give all of them the same", trouble)
        self._trouble = trouble
