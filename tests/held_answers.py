"""Answers of the local SHKeeper that never come: whoever waits for one runs out of time, and nobody else does."""

import asyncio
from typing import Any

import pytest

from providers.shkeeper.simulator import server
from providers.shkeeper.simulator.faults import What
from tests.clock import pass_seconds
from tests.waiting import GIVE_UP_SECONDS

__all__ = ["NEVER_SECONDS", "let_time_pass_while_answers_are_held"]

NEVER_SECONDS = 3600.0
"""For how long an answer is held that never comes; the most that a fault may last."""


def let_time_pass_while_answers_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once SHKeeper holds an answer back, as `What.TIMEOUT` has it, GIVE_UP_SECONDS pass at once. So the time that
    its asker gives it is up then, and at no other time."""
    go_wrong = server._go_wrong

    async def hold(request: Any, fault: Any, allows: Any) -> Any:
        if fault.what is not What.TIMEOUT:
            return await go_wrong(request, fault, allows)
        passing = asyncio.create_task(pass_seconds(GIVE_UP_SECONDS))
        try:
            return await go_wrong(request, fault, allows)
        finally:
            passing.cancel()

    monkeypatch.setattr(server, "_go_wrong", hold)
