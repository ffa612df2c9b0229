"""Replays: how much is sent again to whoever comes back many times."""

import asyncio

import pytest

from bridge.access import ANYBODY
from bridge.sockets.limits import Limits
from bridge.sockets.rate_limit import RateLimit
from bridge.sockets.recovery.replays import Replays
from tests.bridge.sockets.houses import House, who_missed
from tests.bridge.sockets.recovery.test_reconnections import R0, house

__all__ = ["house"]

MISSED = 20


@pytest.mark.parametrize(("database_url", "is_shared"), [("sqlite", False)], indirect=["database_url"])
@pytest.mark.parametrize("remembers", [True, False])
@pytest.mark.parametrize("address", ["203.0.113.7", None])
async def test_who_comes_many_times_at_once_has_no_more_than_one_after_the_other(
    house: House, remembers: bool, address: str | None
) -> None:
    client, _ = await who_missed(house, R0, MISSED)
    if not remembers:
        await house.restart()
    replays = Replays(Limits(messages=RateLimit(per_second=0.001, burst=MISSED)))
    returns = [
        house.recovery.take_up(client.pid, client.offset, ANYBODY, replays.for_address(address)) for _ in range(8)
    ]
    # The first is never too much, and with the second it is.
    assert sum(missed is not None for missed in await asyncio.gather(*returns)) == 2


async def test_of_one_address_as_much_is_sent_again_as_the_sessions_it_may_open_could_send() -> None:
    replays = Replays(Limits(messages=RateLimit(0.001, 10), connections=RateLimit(0.001, 3)))
    for session in ("s1", "s2", "s3"):
        here = replays.for_address("203.0.113.7")
        assert not here.is_spent(session)
        here.spend(session, 11)
        assert here.is_spent(session)
    assert here.is_spent("s4")
    assert not replays.for_address("203.0.113.8").is_spent("s4")
    assert not replays.for_address(None).is_spent("s4")
    assert replays.for_address(None).is_spent("s1")
