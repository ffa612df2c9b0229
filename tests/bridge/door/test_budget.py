"""How much of the loop's time one address may have: who is refused beyond it, and who never is."""

import asyncio
from typing import Any

import pytest

from bridge.door.budget import BURST_SECONDS, LoopBudget
from bridge.door.guests import Guests

SHARE = 0.25


class Bridge:
    """An application behind a budget, each of whose answers takes so long by a clock of ours."""

    def __init__(self) -> None:
        self.now, self.cost_seconds, self.status = 1_000.0, 0.1, 404
        self.guests = Guests(places=10, reserved_places=1, per_address=10, clock=lambda: self.now)
        self._budget = LoopBudget(
            self._answer, self.guests, share=SHARE, trusted="10.0.0.0/8", clock=lambda: self.now
        )

    async def _answer(self, _scope: Any, _receive: Any, send: Any) -> None:
        self.now += self.cost_seconds / 2
        await asyncio.sleep(0)  # in which others have their turn
        self.now += self.cost_seconds / 2
        await send({"type": "http.response.start", "status": self.status})

    async def asked(self, path: str = "/x", address: str = "203.0.113.7") -> int:
        told: list[Any] = []

        async def send(message: Any) -> None:
            told.append(message)

        await self._budget({"type": "http", "path": path, "client": (address, 1)}, None, send)
        self.headers = dict(told[0].get("headers", ()))
        return int(told[0]["status"])


async def test_who_has_had_more_than_their_share_of_the_loop_is_told_to_come_later_and_nobody_else_is() -> None:
    bridge = Bridge()
    answers = [await bridge.asked() for _ in range(30)]
    allowed = answers.count(404)
    # Each costs 0.1 s, of which a quarter comes back meanwhile.
    assert BURST_SECONDS * SHARE / 0.1 < allowed < BURST_SECONDS * SHARE / 0.07
    assert answers == [404] * allowed + [429] * (30 - allowed)
    assert bridge.headers[b"retry-after"] == b"1"
    assert bridge.headers[b"connection"] == b"close"
    assert await bridge.asked(address="203.0.113.8") == 404
    assert "203.0.113.7" in (bridge.guests.trouble() or "")
    bridge.now += BURST_SECONDS
    assert await bridge.asked() == 404


@pytest.mark.parametrize(
    ("path", "address", "status"),
    [
        ("/webhooks/shkeeper", "203.0.113.7", 202),
        ("/webhooks/shkeeper", "203.0.113.7", 401),
        ("/health/live", "203.0.113.7", 200),
        ("/socket.io/", "203.0.113.7", 200),
        ("/api/events", "203.0.113.7", 202),
        ("/metrics", "127.0.0.1", 200),
        ("/metrics", "10.1.2.3", 200),
    ],
)
async def test_who_is_known_by_what_they_bring_and_proxies_are_not_counted(
    path: str, address: str, status: int
) -> None:
    bridge = Bridge()
    bridge.status = status
    assert {await bridge.asked(path, address) for _ in range(50)} == {status}


async def test_what_a_request_waits_for_is_not_counted_and_what_is_raised_is_passed_on() -> None:
    bridge, seen = Bridge(), []

    async def answer(_scope: Any, _receive: Any, _send: Any) -> None:
        try:
            await asyncio.sleep(3_600)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    budget = LoopBudget(answer, bridge.guests, share=SHARE, trusted="", clock=lambda: bridge.now)
    for _ in range(3):
        asked = asyncio.ensure_future(
            budget({"type": "http", "path": "/x", "client": ("203.0.113.7", 1)}, None, None)
        )
        await asyncio.sleep(0)
        bridge.now += 100
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
    assert seen == ["cancelled"] * 3
