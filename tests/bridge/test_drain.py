"""How a bridge that stops leaves its clients and its work to others, decided without either."""

import asyncio
from collections.abc import Callable

import pytest

from bridge.drain import Drain
from coordinator.errors import BridgeError
from tests.clock import pass_seconds
from tests.waiting import until


class Company:
    """Others, if there are any, and clients, some of whom come only now."""

    def __init__(self, clients: int, *, are_others: bool = True) -> None:
        self._are_others = are_others
        self._clients = list(range(clients))
        self.late = 0
        self.left: list[str] = []

    async def others(self) -> bool:
        return self._are_others

    async def give_back(self) -> None:
        self.left.append("work")

    def clients(self) -> list[Callable[[], object]]:
        return [self._close] * len(self._clients)

    def _close(self) -> None:
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


async def test_one_that_is_alone_ends_at_once_and_so_does_one_that_has_not_begun() -> None:
    for drain, company in ((Drain(10), Company(5, are_others=False)), (Drain(10), None)):
        ended = asyncio.Event()
        if company is not None:
            drain.serve(company)
        drain.begin(ended.set)
        await ended.wait()
        assert company is None or company.left == []


async def test_clients_that_never_go_do_not_keep_it() -> None:
    class Staying(Company):
        def _close(self) -> None:
            self.left.append("client")

    drain, company, ended = Drain(1), Staying(3), asyncio.Event()
    drain.serve(company)
    drain.begin(ended.set)
    for _ in range(30):
        await pass_seconds(0.05)
    await ended.wait()
