"""The only door to the clients. It must never reorder events, nor drop others for one that fails, nor tell strangers
what is confidential."""

import logging
from collections.abc import Sequence

from bridge.catalogue import EVENTS
from bridge.sockets.server import SocketServer
from coordinator import rooms
from coordinator.events import Audience, Event

__all__ = ["deliver", "reached"]

logger = logging.getLogger("bridge.sockets")


async def deliver(server: SocketServer, events: Sequence[Event], *, besides: Sequence[str] = ()) -> None:
    """Sends each event, in order, to its audience: everyone, or whoever is in at least one of its rooms, once; but
    not to the clients whose sids are in `besides`.

    When this returns the events stand in each client's queue in that order; they are not yet written.
    """
    for event in events:
        try:
            await _send(server, event, besides)
        except Exception:
            logger.exception("the event %s could not be sent to its clients; going on with the next", event.name)


def reached(event: Event, *, keeps_confidence: bool) -> Audience:
    """Whom a server sends an event to. One that keeps confidence tells of money only the event's rooms and staff."""
    model = EVENTS.get(event.name)
    if not (keeps_confidence and event.audience.everyone and model is not None and model.audience_rule.confidential):
        return event.audience
    return Audience(rooms=(*event.audience.rooms, rooms.STAFF))


async def _send(server: SocketServer, event: Event, besides: Sequence[str]) -> None:
    audience = reached(event, keeps_confidence=server.keeps_confidence)
    if audience.everyone:
        await server.emit(event.name, event.payload, skip_sid=list(besides))
    elif audience.rooms:  # the library takes an empty list of rooms for everyone
        await server.emit(event.name, event.payload, to=list(audience.rooms), skip_sid=list(besides))
