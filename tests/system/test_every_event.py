"""Every row of the specification's tables, published by a service and heard by the stock JavaScript client."""

from typing import Any

from tests.asking import post
from tests.specification import ROWS

JOINS = {
    "user": "join-user-room",
    "request": "join-request-room",
    "seller": "join-seller-room",
    "buyer": "join-buyer-room",
    "chat": "join-chat-room",
    "template-checkout": "join-template-checkout-room",
}


def join(room: str) -> list[str]:
    """The event that joins a room of the tables."""
    if room == "sellers":
        return ["join-seller-room", "anybody"]
    kind, _, identifier = room.rpartition("-")
    return [JOINS[kind], identifier]


def test_the_right_room_hears_each_event_once_and_the_wrong_room_nothing(make_bridge: Any, listen: Any) -> None:
    bridge = make_bridge()
    rooms = sorted({room for row in ROWS for room in row.rooms})
    insiders = {room: listen(bridge.url, [join(room)]) for room in rooms}
    outsider = listen(
        bridge.url,
        [["join-user-room", "x"], ["join-request-room", "x"], ["join-buyer-room", "x"], ["join-chat-room", "x"]],
    )
    everywhere = listen(bridge.url, [join(room) for room in rooms])

    body = {"events": [{"event": row.event, "target": row.target, "data": row.payload} for row in ROWS]}
    answer = post(f"{bridge.url}/api/events", json=body)
    assert answer.status_code == 202, answer.text
    assert len(set(answer.json()["offsets"])) == len(ROWS)

    # A client in all the rooms has heard the last event: then all of them have been sent.
    everywhere.wait_for(lambda line: line.get("event") == ROWS[-1].event)
    for room, insider in insiders.items():
        insider.fence()
        # A seller is in the room of all sellers too.
        also = {room, "sellers"} if room.startswith("seller") else {room}
        expected = [(row.event, [row.payload]) for row in ROWS if row.everyone or also & set(row.rooms)]
        assert insider.events == expected
    outsider.fence()
    assert outsider.events == [(row.event, [row.payload]) for row in ROWS if row.everyone]
    everywhere.fence()
    assert everywhere.events == [(row.event, [row.payload]) for row in ROWS]
