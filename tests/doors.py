"""A web server of the tests, and a front door for one."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import uvicorn

from bridge.door import ConnectionLimits, Door, DoorLimits
from bridge.sockets.loop_shares import LoopShares
from tests.waiting import GIVE_UP_SECONDS

__all__ = ["DeafServer", "any_door"]

# Also where a test lets hours pass.
PATIENCE_SECONDS = 1_000 * GIVE_UP_SECONDS


def any_door(
    *, connection_limits: ConnectionLimits | None = None, shares: LoopShares | None = None, **limits: Any
) -> Any:
    """For `uvicorn.Config(http=…)`: open to all, unless `guests` says to whom, and patient in whatever `limits` do
    not name."""
    patient = DoorLimits(
        head_seconds=PATIENCE_SECONDS,
        body_seconds=PATIENCE_SECONDS,
        idle_seconds=PATIENCE_SECONDS,
        answer_seconds=PATIENCE_SECONDS,
        body_bytes=10_000_000,
    )
    connection_limits = connection_limits or ConnectionLimits(places=10_000, reserved_places=1, per_address=10_000)
    return Door(connection_limits, replace(patient, **limits), shares=shares)


class DeafServer(uvicorn.Server):
    """One that leaves signals to the tests: several that overlap would leave each other's handlers behind."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
