"""The only door to the clients. It must never reorder events, nor drop others for one that fails, nor tell strangers
what is confidential."""

import logging
from collections.abc import Sequence
from itertools import groupby

from bridge.sockets.audiences import reached
from bridge.sockets.frames import Outgoing
from bridge.sockets.hearers import Hearers
from bridge.sockets.server import SocketServer
from coordinator.compact_json import compact_json
from coordinator.events import Event

__all__ = ["deliver"]

logger = logging.getLogger("bridge.sockets")


def deliver(
    server: SocketServer, events: Sequence[Event], *, offsets: Sequence[str] = (), besides: Sequence[str] = ()
) -> list[int]:
    """Sends each event, in order, to its audience: everyone, or whoever is in at least one of its rooms, once; but
    not to the clients whose sids are in `besides`. With `offsets` each event ends with its own, for the clients that
    take them.

    When this returns, each client's events are on their way to it in that order. Returns to how many connections each
    event was written.
    """
    written: list[int] = []
    ended: Sequence[str | None] = offsets or [None] * len(events)
    for audience, run in groupby(
        zip(events, ended, strict=True),
        key=lambda one: reached(one[0], keeps_confidence=server.keeps_confidence),
    ):
        to, told = None if audience.everyone else audience.rooms, list(run)
        hearers = server.manager.hearers("/", to, besides) if to is None or to else Hearers()
        if hearers:
            _tell(hearers, told)
        written += [len(hearers)] * len(told)
    return written


def _tell(hearers: Hearers, run: Sequence[tuple[Event, str | None]]) -> None:
    """Tells events that all go to the same clients: to each as one write."""
    plain = {sid: connection for sid, connection in hearers.aside.items() if not connection.takes_offsets}
    if plain:
        Hearers(aside=plain).tell(_messages([(event, None) for event, _ in run]))
        others = {sid: connection for sid, connection in hearers.aside.items() if sid not in plain}
        hearers = Hearers(hearers.direct, others)
    hearers.tell(_messages(run))


def _messages(run: Sequence[tuple[Event, str | None]]) -> list[Outgoing]:
    messages = []
    for event, offset in run:
        content = [event.name, event.payload] if offset is None else [event.name, event.payload, offset]
        try:
            messages.append(Outgoing("2" + compact_json(content)))
        except (TypeError, ValueError):
            logger.exception("the event %s could not be sent to its clients; going on with the next", event.name)
    return messages
