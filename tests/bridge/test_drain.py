"""How a bridge that stops leaves its clients and its work to others, decided without either."""

import asyncio

import pytest

from bridge import drain as draining
from bridge.drain import LONGEST_MS, LOOK_SECONDS, STARTS_WITHIN_MS, Drain, come_back_in_ms
from coordinator.errors import BridgeError
from tests.clock import pass_seconds
from tests.waiting import until


class Leaver:
    """A client, and what its company notes of it."""

    def __init__(self, company: "Company") -> None:
        self._company = company

    def tell(self, come_back_in_ms: int) -> None:
        self._company.left.append("told")
        self._company.waits_ms.append(come_back_in_ms)

    @property
    def has_heard(self) -> bool:
        return self._company.have_heard

    def close(self) -> None:
        self._company.close_one()


class Company:
    """Others, if there are any, and clients, some of whom come only now."""

    def __init__(self, clients: int, *, are_others: bool = True) -> None:
        self._are_others = are_others
        self._clients = list(range(clients))
        self.late = 0
        self.left: list[str] = []
        self.waits_ms: list[int] = []
        self.have_heard = True

    async def others(self) -> bool:
        return self._are_others

    async def give_back(self) -> None:
        self.left.append("work")

    def clients(self) -> list[Leaver]:
        return [Leaver(self) for _ in self._clients]

    def close_one(self) -> None:
        self._clients.pop()
        self.left.append("client")
        if self.late:
            self.late -= 1
            self._clients.append(0)


async def test_it_says_so_first_then_leaves_its_work_and_then_its_clients_a_few_at_a_time() -> None:
    drain, company, ended = Drain(10), Company(1_000), asyncio.Event()
    company.late = 5
    drain.serve(company)
    await drain.check()
    drain.begin(ended.set)
    with pytest.raises(BridgeError, match="the bridge stops"):
        await drain.check()
    await asyncio.sleep(0)
    assert company.left == []
    await pass_seconds(4)
    await until(lambda: "work" in company.left)
    assert company.left[0] == "work"
    await until(lambda: company.left.count("client") >= 5)
    assert not ended.is_set()
    assert company.left.count("client") < 1_000
    for _ in range(120):
        await pass_seconds(0.05)
    await ended.wait()
    assert company.left.count("client") == 1_005
    # Each before its connection is closed, and all of them over as long as one bridge takes to take them up.
    assert company.left[1:] == ["told", "client"] * 1_005
    assert 0 <= min(company.waits_ms) < 100
    assert 900 < max(company.waits_ms) <= 1_000


async def test_one_that_is_alone_tells_all_to_come_once_it_can_be_there_again() -> None:
    drain, company, ended = Drain(10), Company(1_000, are_others=False), asyncio.Event()
    drain.serve(company)
    drain.begin(ended.set)
    await ended.wait()
    assert company.left == ["told"] * 1_000
    assert STARTS_WITHIN_MS <= min(company.waits_ms) < STARTS_WITHIN_MS + 100
    assert STARTS_WITHIN_MS + 900 < max(company.waits_ms) <= STARTS_WITHIN_MS + 1_000


@pytest.mark.parametrize("do_they_ask", [True, False])
async def test_one_that_is_alone_waits_a_moment_for_those_who_are_between_two_polls(
    do_they_ask: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draining, "HEARD_SECONDS", moment := 1_000)
    drain, company, ended = Drain(10 * moment), Company(3, are_others=False), asyncio.Event()
    company.have_heard = False
    drain.serve(company)
    drain.begin(ended.set)
    await until(lambda: company.left == ["told"] * 3)
    await asyncio.sleep(2 * LOOK_SECONDS)
    assert not ended.is_set()
    if do_they_ask:
        company.have_heard = True
    else:
        await pass_seconds(moment)
    await ended.wait()


@pytest.mark.parametrize("are_others", [True, False])
def test_nobody_is_told_to_stay_away_for_longer_than_half_a_minute(are_others: bool) -> None:
    assert come_back_in_ms(0.999, 1_000_000, are_others=are_others) == LONGEST_MS == 30_000
    assert come_back_in_ms(0, 1_000_000, are_others=are_others) == (0 if are_others else STARTS_WITHIN_MS)


async def test_one_without_clients_ends_at_once_and_so_does_one_that_has_not_begun() -> None:
    for drain, company in ((Drain(10), Company(0, are_others=False)), (Drain(10), None)):
        ended = asyncio.Event()
        if company is not None:
            drain.serve(company)
        drain.begin(ended.set)
        await ended.wait()
        assert company is None or company.left == []


async def test_clients_that_never_go_do_not_keep_it() -> None:
    class Staying(Company):
        def close_one(self) -> None:
            self.left.append("client")

    drain, company, ended = Drain(1), Staying(3), asyncio.Event()
    drain.serve(company)
    drain.begin(ended.set)
    for _ in range(30):
        await pass_seconds(0.05)
    await ended.wait()
