"""The announcer: whoever waits until a change is told is woken, also where it is told to nobody."""

import asyncio

from bridge.sockets import create_socket_server
from tests.waiting import GIVE_UP_SECONDS


async def test_whoever_waits_for_a_change_that_is_taken_back_waits_no_longer() -> None:
    server = create_socket_server(frontend_url="https://shop.example", presence_grace_seconds=0)
    presence, announcer = server.presence, server.announcer
    presence.claim("s0", "u0")
    presence.arrive("s0", "u0")
    await announcer.wait_until_announced("u0")  # from here on the announcer rests
    presence.claim("s1", "u1")
    presence.arrive("s1", "u1")
    waiting = asyncio.create_task(announcer.wait_until_announced("u1"))
    await asyncio.sleep(0)
    assert not waiting.done()
    presence.leave("s1", "u1", for_good=True)
    async with asyncio.timeout(GIVE_UP_SECONDS):
        await waiting
    await announcer.finish()
