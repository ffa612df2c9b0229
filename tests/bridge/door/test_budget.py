"""How much of the loop's time one address may have: who is refused beyond it, and who never is."""

import asyncio
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from bridge.door.budget import LoopBudget
from bridge.door.connection_limits import ConnectionLimits
from bridge.sockets.loop_shares import BURST_SECONDS, TURN_SECONDS, WAITING_LIMIT, LoopShares

SHARE = 0.25
PATIENT_BURST = BURST_SECONDS * SHARE / 2
"""What those may have at once who wait for more."""


class Bridge:
    """An application behind a budget, each of whose answers takes so long by a clock of ours."""

    def __init__(self) -> None:
        self.now, self.cost_seconds, self.status = 1_000.0, 0.1, 404
        self.connection_limits = ConnectionLimits(
            places=10, reserved_places=1, per_address=10, clock=lambda: self.now
        )
        shares = LoopShares(SHARE, lambda: self.now, self._call_later)
        self.spend = partial(shares.spend, "203.0.113.7", is_patient=True)
        self._budget = LoopBudget(self._answer, self.connection_limits, shares, trusted="10.0.0.0/8")

    def _call_later(self, seconds: float, go_on: Callable[[], object]) -> None:
        """The clock goes on when somebody waits for it."""

        def late() -> None:
            self.now += seconds
            go_on()

        asyncio.get_running_loop().call_soon(late)

    async def _answer(self, _scope: Any, _receive: Any, send: Any) -> None:
        self.now += self.cost_seconds / 2
        await asyncio.sleep(0)  # in which others have their turn
        self.now += self.cost_seconds / 2
        await send({"type": "http.response.start", "status": self.status})

    async def asked(self, path: str = "/x", address: str = "203.0.113.7", kind: str = "http") -> int:
        told = self.told = list[Any]()

        async def send(message: Any) -> None:
            told.append(message)

        await self._budget({"type": kind, "path": path, "client": (address, 1)}, None, send)
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
    assert "203.0.113.7" in (bridge.connection_limits.trouble() or "")
    bridge.now += BURST_SECONDS
    assert await bridge.asked() == 404


@pytest.mark.parametrize(
    ("path", "address", "status"),
    [
        ("/webhooks/shkeeper", "203.0.113.7", 202),
        ("/api/events", "203.0.113.7", 202),
        ("/metrics", "127.0.0.1", 200),
        ("/metrics", "10.1.2.3", 200),
    ],
)
async def test_who_is_known_by_what_they_bring_and_proxies_are_not_counted(
    path: str, address: str, status: int
) -> None:
    bridge = Bridge()
    bridge.status, began = status, bridge.now
    assert {await bridge.asked(path, address) for _ in range(50)} == {status}
    assert bridge.now - began == pytest.approx(50 * bridge.cost_seconds)


@pytest.mark.parametrize(
    ("path", "status"),
    [("/webhooks/shkeeper", 401), ("/health/live", 200), ("/socket.io/", 200), ("/socket.io/", 400)],
)
async def test_what_cannot_be_refused_is_answered_later_once_its_address_has_had_its_share(
    path: str, status: int
) -> None:
    bridge = Bridge()
    bridge.status, began, requests = status, bridge.now, 50
    assert {await bridge.asked(path) for _ in range(requests)} == {status}
    assert SHARE * (bridge.now - began) == pytest.approx(requests * bridge.cost_seconds - PATIENT_BURST, abs=0.2)
    # Half of the share is there for requests that would be refused, and nobody else waits.
    bridge.status = 404
    assert await bridge.asked() == 404
    began = bridge.now
    assert await bridge.asked(address="203.0.113.8") == 404
    assert bridge.now - began == pytest.approx(bridge.cost_seconds)


async def test_whoever_floods_keeps_nobody_behind_their_address_from_more_than_half_of_it() -> None:
    bridge = Bridge()
    while await bridge.asked() != 429:
        pass
    began, messages = bridge.now, 20
    for _ in range(messages):
        assert await bridge.asked("/socket.io/") == 404
        while await bridge.asked() != 429:
            pass  # as soon as they may
    assert bridge.now - began < messages * bridge.cost_seconds / (SHARE / 2) * 1.2


async def test_all_who_ask_for_health_have_one_share_and_are_answered_one_address_after_the_other() -> None:
    bridge, began = Bridge(), 1_000.0
    flood = [f"203.0.113.{number}" for number in range(7)]
    answered: list[str] = []

    async def ask(address: str) -> None:
        await bridge.asked("/health/ready", address)
        answered.append(address)

    asked = [asyncio.create_task(ask(address)) for address in flood for _ in range(30)]
    for _ in range(20):
        await asyncio.sleep(0)
    behind = len(answered)
    asked.append(asyncio.create_task(ask("198.51.100.1")))
    await asyncio.gather(*asked)
    assert answered.index("198.51.100.1") - behind <= len(flood) + 1
    assert SHARE * (bridge.now - began) > len(asked) * bridge.cost_seconds - PATIENT_BURST - 0.2
    # A webhook of an address that has not asked is not kept waiting.
    bridge.status, began = 401, bridge.now
    await bridge.asked("/webhooks/shkeeper", "198.51.100.2")
    assert bridge.now - began == pytest.approx(bridge.cost_seconds)


async def test_several_who_ask_for_much_have_no_more_of_the_loop_than_one_and_who_asks_for_little_does_not_wait() -> (
    None
):
    bridge, began, requests = Bridge(), 1_000.0, 40
    many = [f"203.0.113.{number}" for number in range(4)]
    answered: Counter[str] = Counter()
    are_many = asyncio.Event()

    async def ask(address: str) -> None:
        for _ in range(requests):
            await bridge.asked("/socket.io/", address)
            answered[address] += 1
            if answered.total() == requests:
                are_many.set()

    asking = [asyncio.create_task(ask(address)) for address in many]
    await are_many.wait()
    # Of four that have been let in as often, nobody came before the others.
    assert max(answered.values()) - min(answered[one] for one in many) <= 2
    before = bridge.now
    await bridge.asked("/socket.io/", "198.51.100.1")
    assert bridge.now - before < 2 * (1 + len(many)) * bridge.cost_seconds
    await asyncio.gather(*asking)
    had = len(many) * requests * bridge.cost_seconds
    assert SHARE * (bridge.now - began) > had - len(many) * (bridge.cost_seconds + PATIENT_BURST / 2)
    # Nobody else has asked for a while, and one alone may have a whole share again.
    bridge.now += 10 * BURST_SECONDS
    answers = [await bridge.asked(address=many[0]) for _ in range(30)]
    assert answers.count(404) > BURST_SECONDS * SHARE / bridge.cost_seconds


@pytest.mark.parametrize(("kind", "prefix"), [("http", "http"), ("websocket", "websocket.http")])
async def test_no_more_wait_than_an_address_has_connections(kind: str, prefix: str) -> None:
    bridge = Bridge()
    bridge.cost_seconds = 0.0
    bridge.spend(10.0)
    waiting = [asyncio.create_task(bridge.asked("/socket.io/", kind=kind)) for _ in range(WAITING_LIMIT)]
    await asyncio.sleep(0)
    assert await bridge.asked("/socket.io/", kind=kind) == 429
    assert bridge.told[0]["type"] == f"{prefix}.response.start"
    assert set(await asyncio.gather(*waiting)) == {404}


@pytest.mark.parametrize("path", ["/x", "/socket.io/"])
async def test_of_many_that_one_address_asks_at_once_one_is_answered_in_each_turn_of_the_loop(path: str) -> None:
    bridge, loop, turn = Bridge(), asyncio.get_running_loop(), 0
    answered: dict[str, list[int]] = {}

    async def answer(scope: Any, _receive: Any, send: Any) -> None:
        bridge.now += 2 * TURN_SECONDS
        answered.setdefault(scope["client"][0], []).append(turn)
        await send({"type": "http.response.start", "status": 404})
        await asyncio.sleep(0)

    def tick() -> None:
        nonlocal turn
        turn += 1
        loop.call_soon(tick)

    async def send(_message: Any) -> None:
        pass

    async def asked(address: str) -> None:
        await budget({"type": "http", "path": path, "client": (address, 1)}, None, send)

    budget = LoopBudget(answer, bridge.connection_limits, LoopShares(1.0, lambda: bridge.now), trusted="")
    tick()
    await asyncio.gather(*(asked(one) for one in ["203.0.113.7"] * 9 + ["203.0.113.8", "203.0.113.9"]))
    assert len(set(answered["203.0.113.7"])) == 9
    assert answered["203.0.113.8"] == answered["203.0.113.9"] == answered["203.0.113.7"][:1]


async def test_what_a_request_waits_for_is_not_counted_and_what_is_raised_is_passed_on() -> None:
    bridge, seen = Bridge(), []

    async def answer(_scope: Any, _receive: Any, _send: Any) -> None:
        try:
            await asyncio.sleep(3_600)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    budget = LoopBudget(answer, bridge.connection_limits, LoopShares(SHARE, lambda: bridge.now), trusted="")
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
