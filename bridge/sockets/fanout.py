"""The only door from the journal to the clients. It must never reorder events, nor drop others for one that fails."""

import logging
from collections.abc import Sequence

import socketio

from coordinator.events import Event

__all__ = ["deliver"]

logger = logging.getLogger("bridge.sockets")


async def deliver(server: socketio.AsyncServer, events: Sequence[Event]) -> None:
    """Sends each event, in order, to its audience: everyone, or whoever is in at least one of its rooms, once.

    When this returns the events stand in each client's queue in that order; they are not yet written.
    """
    for event in events:
        try:
            await _send(server, event)
        except Exception:
            logger.exception("the event %s could not be sent to its clients; going on with the next", event.name)


async def _send(server: socketio.AsyncServer, event: Event) -> None:
    audience = event.audience
    if audience.everyone:
        await server.emit(event.name, event.payload)
    elif audience.rooms:  # the library takes an empty list of rooms for everyone
        await server.emit(event.name, event.payload, to=list(audience.rooms))
