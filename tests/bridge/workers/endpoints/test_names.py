"""Names whose servers never answer, looked up by a resolver that hangs for as long as the test wants."""

import asyncio
import socket
from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_address
from threading import Event
from typing import Any

import pytest

from bridge.workers.endpoints import names
from bridge.workers.endpoints.connections import connections_to_endpoints
from bridge.workers.endpoints.names import PLACES, SLOW_PLACES, NameLookUps
from providers.answers import NotReachedError, ask
from tests.waiting import GIVE_UP_SECONDS, until


class Resolver:
    """The system's, but for names that end in `.hangs`."""

    def __init__(self) -> None:
        self.goes_on = Event()
        self.under_way: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self._resolve = socket.getaddrinfo

    def __call__(self, host: Any, *rest: Any, **more: Any) -> Any:
        self.asked[host] += 1
        if not str(host).endswith(".hangs"):
            return self._resolve(host, *rest, **more)
        self.under_way[host] += 1
        self.goes_on.wait(GIVE_UP_SECONDS)
        self.under_way[host] -= 1
        raise socket.gaierror(socket.EAI_AGAIN, "nobody answers")


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    resolver = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    yield resolver
    resolver.goes_on.set()


async def test_names_that_hang_keep_none_of_the_bridges_own_neighbours_waiting(resolver: Resolver) -> None:
    client = connections_to_endpoints(NameLookUps(), (), is_encrypted=True)

    async def send(number: int) -> None:
        request = client.build_request("POST", f"https://name-{number}.hangs/")
        await ask(client, request, deadline_seconds=0.5, limit_bytes=1)

    tries = await asyncio.gather(*map(send, range(40)), return_exceptions=True)
    assert {type(one) for one in tries} == {NotReachedError}
    assert 0 < resolver.under_way.total() <= PLACES
    # Of the event loop's own threads none is taken.
    async with asyncio.timeout(GIVE_UP_SECONDS / 2):
        assert await asyncio.get_running_loop().getaddrinfo("localhost", 80)
    assert resolver.under_way.total() > 0
    resolver.goes_on.set()
    await until(lambda: resolver.under_way.total() == 0)
    await client.aclose()


async def test_a_name_is_looked_up_once_for_all_who_ask_also_for_those_who_come_after_one_gave_up(
    resolver: Resolver,
) -> None:
    look_ups = NameLookUps()
    askers = [asyncio.create_task(look_ups.addresses("one.hangs")) for _ in range(9)]
    await until(lambda: resolver.under_way["one.hangs"] == 1)
    askers[0].cancel()
    late = asyncio.create_task(look_ups.addresses("one.hangs"))
    await asyncio.sleep(0)
    resolver.goes_on.set()
    found = await asyncio.gather(*askers, late, return_exceptions=True)
    assert [type(one) for one in found] == [asyncio.CancelledError] + [NotReachedError] * 9
    assert resolver.asked["one.hangs"] == 1


async def test_names_that_were_slow_leave_the_places_of_the_others_free(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "SLOW_SECONDS", 0.0)
    look_ups, hosts = NameLookUps(), [f"name-{number}.hangs" for number in range(2 * PLACES)]
    resolver.goes_on.set()
    await asyncio.gather(*map(look_ups.addresses, hosts), return_exceptions=True)
    resolver.goes_on.clear()
    again = [asyncio.create_task(look_ups.addresses(host)) for host in hosts]
    await until(lambda: resolver.under_way.total() == SLOW_PLACES)
    async with asyncio.timeout(GIVE_UP_SECONDS / 2):
        assert {one.is_loopback for one in await look_ups.addresses("localhost")} == {True}
    assert resolver.under_way.total() == SLOW_PLACES
    resolver.goes_on.set()
    await asyncio.gather(*again, return_exceptions=True)
    assert set(resolver.asked.values()) == {1, 2}


async def test_an_address_is_no_name_and_what_cannot_be_one_leads_nowhere(resolver: Resolver) -> None:
    look_ups = NameLookUps()
    assert await look_ups.addresses("192.0.2.7") == [ip_address("192.0.2.7")]
    assert await look_ups.addresses("fe80::1%eth0") == [ip_address("fe80::1")]
    assert not resolver.asked
    with pytest.raises(NotReachedError, match="its name leads nowhere"):
        await look_ups.addresses("a" * 64 + ".example")
