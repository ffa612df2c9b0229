"""What a service author's helper emits at one bridge: clients of the others receive it, and who was away is told."""

import pytest

from bridge.sockets import emit_global_event, emit_to_room, set_socket_server
from tests.bridge.sockets.houses import Client, Eventually, House, Serve
from tests.system.soak.records import EVERYONE, Publications

ROOM = "request-r0"


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_what_is_emitted_at_one_bridge_is_received_at_the_other_and_by_who_was_away(
    database_url: str, serve: Serve, eventually: Eventually
) -> None:
    here, there = (House(database_url, serve, eventually, is_shared=True) for _ in range(2))
    publications = Publications()
    client = Client(there, publications)
    for house in (here, there):
        await house.open()
    set_socket_server(here.server, publish=here.journal.publish_events)
    try:
        await client.come()
        await client.join(ROOM)
        number = publications.add(ROOM)
        await emit_to_room(ROOM, "news", {"number": number, "room": ROOM, "text": ""})
        await client.listen_up_to(number)
        await client.cut()
        number = publications.add(EVERYONE)
        await emit_global_event("news", {"number": number, "room": EVERYONE, "text": ""})
        await client.come()
        await client.listen_up_to(number)
    finally:
        set_socket_server(None)
    assert (client.recovered, client.record.heard, client.record.faults) == ([False, True], 2, [])
    await client.cut()
    for house in (here, there):
        await house.close()
