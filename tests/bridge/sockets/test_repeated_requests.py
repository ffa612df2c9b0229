"""Requests of a client that polls, sent again by its browser because their answer was lost: nothing is done twice,
and nothing is passed over.

Browsers do so by themselves where a connection that was open before ends without an answer, and tell no page of it.
Each request of a client has another mark (`t`), a repeat has the same.
"""

from typing import Any

import pytest

from bridge.sockets import create_socket_server
from tests.bridge.sockets.traps import Poll, Serve, offer_fence

CONNECT = "40"


def server() -> Any:
    made = create_socket_server(frontend_url="https://shop.example")
    offer_fence(made)
    return made


async def test_a_connect_that_is_posted_again_is_answered_once_and_leaves_its_client_connected(
    serve: Serve, poll: Poll
) -> None:
    http, session = await poll(await serve(server()))
    for _ in range(3):
        posted = await http.post(f"{session}&t=first", content=CONNECT)
        assert (posted.status_code, posted.text) == (200, "ok")
    assert (await http.get(f"{session}&t=a")).text.startswith('40{"sid":"')
    await http.post(f"{session}&t=second", content='421["fence"]')
    assert (await http.get(f"{session}&t=b")).text == '431["reached"]'


async def test_an_event_that_is_posted_again_is_taken_once(serve: Serve, poll: Poll) -> None:
    socket_server = server()
    heard = []

    async def paid(sid: str, number: int) -> None:
        heard.append(number)

    socket_server.on("paid", paid)
    http, session = await poll(await serve(socket_server))
    await http.post(f"{session}&t=z0", content=CONNECT)
    for number in (1, 1, 2, 2, 3):
        await http.post(f"{session}&t=p{number}", content=f'42["paid",{number}]')
    await http.post(f"{session}&t=z4", content='421["fence"]')
    said = ""
    while '431["reached"]' not in said:
        said += (await http.get(f"{session}&t=after-{len(said)}")).text
    assert heard == [1, 2, 3]


async def test_what_a_poll_had_brought_and_was_lost_is_not_passed_over(serve: Serve, poll: Poll) -> None:
    """The client has to come back, and hears it then."""
    http, session = await poll(await serve(server()))
    await http.post(f"{session}&t=z0", content=CONNECT)
    assert (await http.get(f"{session}&t=z1")).text.startswith('40{"sid":"')
    again = await http.get(f"{session}&t=z1")
    assert (again.status_code, again.json()["code"]) == (400, 3)
    gone = await http.get(f"{session}&t=z2")
    assert (gone.status_code, gone.json()["code"]) == (400, 1)


@pytest.mark.parametrize("mark", ["", "&t=1764188400"])
async def test_clients_that_mark_nothing_or_the_second_may_say_the_same_twice(
    serve: Serve, poll: Poll, mark: str
) -> None:
    http, session = await poll(await serve(server()))
    session += mark
    await http.post(session, content=CONNECT)
    assert (await http.get(session)).text.startswith('40{"sid":"')
    for _ in range(2):
        await http.post(session, content='421["fence"]')
        assert (await http.get(session)).text == '431["reached"]'
