"""Who has to leave when all places are taken, those that are kept among them."""

import asyncio

from prometheus_client import REGISTRY

from bridge.door import ConnectionLimits
from tests.bridge.door.conftest import House, served
from tests.waiting import GIVE_UP_SECONDS, until

SIGNED = b"POST /webhooks/x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n"


async def test_who_has_just_come_and_was_not_read_yet_does_not_leave_for_the_next_before_who_is_slow() -> None:
    house, connection_limits = House(), ConnectionLimits(places=1, reserved_places=2, per_address=9)
    async with served(house, connection_limits=connection_limits):
        lines = []
        for count in range(1, 5):
            lines.append(await asyncio.open_connection("127.0.0.1", house.port))
            if count < 3:
                lines[-1][1].write(SIGNED + b"1")
                await until(lambda count=count: REGISTRY.get_sample_value("bridge_door_held_bytes") == count)  # type: ignore[misc]
            elif count == 3:
                await until(lambda: connection_limits.stand.connections == 3)
        slow, _, just_come, last = lines
        async with asyncio.timeout(GIVE_UP_SECONDS):
            assert await slow[0].read() == b""
            for reader, writer in (just_come, last):
                writer.write(SIGNED + b"12")
                assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        for _, writer in lines:
            writer.transport.abort()
