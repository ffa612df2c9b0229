"""The only door to the clients. It must never reorder events, nor tell strangers what is confidential."""

from collections.abc import Sequence

from bridge.sockets.rooms.audiences import reached
from bridge.sockets.rooms.subscribers import NOBODY, Subscribers
from bridge.sockets.server import SocketServer
from bridge.sockets.transport.frames import event_message
from coordinator.events import Event

__all__ = ["deliver"]

Ended = tuple[Event, str | None]
"""An event and its offset, if it is delivered with one."""


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
    run: list[Ended] = []
    """What goes to the same clients, with nothing between that anybody hears."""
    run_to: tuple[str, ...] | None = ()
    subscribers = NOBODY
    ends: Sequence[str | None] = offsets or [None] * len(events)
    for event, offset in zip(events, ends, strict=True):
        audience = reached(event.name, event.audience, keeps_confidence=server.keeps_confidence)
        to = None if audience.everyone else audience.rooms
        if to != run_to:
            others = _subscribers(server, to, besides)
            if not others:
                written.append(0)
                continue
            if run:
                _send(subscribers, run)
                # Whose socket turned out to be full is not written to past what it has not read.
                others = _subscribers(server, to, besides)
            run, run_to, subscribers = [], to, others
        if subscribers:
            run.append((event, offset))
        written.append(len(subscribers))
    if run:
        _send(subscribers, run)
    return written


def _subscribers(server: SocketServer, to: tuple[str, ...] | None, besides: Sequence[str]) -> Subscribers:
    return server.manager.subscribers("/", to, besides) if to is None or to else NOBODY


def _send(subscribers: Subscribers, run: Sequence[Ended]) -> None:
    """To each as one write."""
    plain = {sid: connection for sid, connection in subscribers.queued.items() if not connection.takes_offsets}
    if plain:
        Subscribers(queued=plain).send([event_message(event, None) for event, _ in run])
        others = {sid: connection for sid, connection in subscribers.queued.items() if sid not in plain}
        subscribers = Subscribers(subscribers.direct, others)
    subscribers.send([event_message(event, offset) for event, offset in run])
