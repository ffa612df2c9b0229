"""A circuit, by a clock of its own: what `test_availability.py` shows, with the harmless question put."""

import asyncio
from dataclasses import dataclass, field

import pytest
from prometheus_client import REGISTRY

from providers.availability import AvailabilityLimits
from providers.circuit import Circuit, show_circuit
from tests.waiting import until

LIMITS = AvailabilityLimits(failures=5, open_seconds=15)


@dataclass
class Neighbour:
    now: float = 100.0
    is_there: bool = True
    harmless: int = 0
    hangs: asyncio.Event | None = None
    circuit: Circuit = field(init=False)

    def __post_init__(self) -> None:
        self.circuit = Circuit(lambda: self.now, self._is_there, LIMITS)

    async def _is_there(self) -> bool:
        self.harmless += 1
        if self.hangs is not None:
            await self.hangs.wait()
        return self.is_there

    async def fails(self) -> bool:
        """A question is put and fails. Returns whether it has only itself to blame."""
        put = self.circuit.admit()
        assert put is not None
        self.circuit.fail("too slow")
        return await self.circuit.blames_question(put)


@pytest.fixture
def neighbour() -> Neighbour:
    return Neighbour()


async def test_who_answers_the_harmless_question_is_asked_on_however_much_else_fails(neighbour: Neighbour) -> None:
    for _ in range(50):
        assert await neighbour.fails()
    assert not neighbour.circuit.is_open


async def test_who_answers_nobody_is_left_alone_until_one_finds_out_that_it_is_back(neighbour: Neighbour) -> None:
    neighbour.is_there = False
    for _ in range(3):
        assert not await neighbour.fails()
    assert (neighbour.circuit.is_open, neighbour.circuit.reason) == (True, "too slow")
    assert neighbour.circuit.admit() is None
    neighbour.now += 14.9
    assert neighbour.circuit.admit() is None
    neighbour.now += 0.1
    neighbour.is_there = True
    assert not neighbour.circuit.is_open
    put = neighbour.circuit.admit()
    assert put is not None  # and whoever comes meanwhile waits for what this one, or the harmless question, hears
    assert neighbour.circuit.admit() is None
    assert await neighbour.circuit.blames_question(put)
    assert neighbour.circuit.admit() is not None


async def test_those_who_fail_together_put_one_harmless_question_which_ends_with_the_circuit(
    neighbour: Neighbour,
) -> None:
    neighbour.hangs = asyncio.Event()
    failing = [asyncio.create_task(neighbour.fails()) for _ in range(10)]
    await until(lambda: neighbour.circuit.is_finding_out)
    neighbour.hangs.set()
    assert await asyncio.gather(*failing) == [True] * 10
    assert neighbour.harmless == 1
    neighbour.hangs.clear()
    failing = [asyncio.create_task(neighbour.fails())]
    await until(lambda: neighbour.circuit.is_finding_out)
    await neighbour.circuit.aclose()
    assert await asyncio.gather(*failing) == [False]


async def test_its_figure_says_whether_it_is_open(neighbour: Neighbour) -> None:
    show_circuit("of-the-test", neighbour.circuit)

    def figure() -> float | None:
        return REGISTRY.get_sample_value("bridge_circuit_open", {"neighbour": "of-the-test"})

    assert figure() == 0
    neighbour.is_there = False
    for _ in range(3):
        await neighbour.fails()
    assert figure() == 1
    neighbour.circuit.succeed()
    assert figure() == 0
