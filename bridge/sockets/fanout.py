"""The only door to the clients. It must never reorder events, nor tell strangers what is confidential."""

from collections.abc import Sequence

from bridge.sockets.rooms.audiences import reached
from bridge.sockets.rooms.recent_events import EVERYONE
from bridge.sockets.rooms.subscribers import NOBODY, Subscribers
from bridge.sockets.server import SocketServer
from bridge.sockets.transport.crowd_writes import CROWD, CrowdWrites
from bridge.sockets.transport.frames import event_message
from coordinator.events import Event

__all__ = ["deliver"]

To = tuple[str | None, ...]
"""Some rooms; None is that of everyone."""
Ended = tuple[Event, str | None]
"""An event and its offset, if it is delivered with one."""


def deliver(
    server: SocketServer, events: Sequence[Event], *, offsets: Sequence[str] = (), besides: Sequence[str] = ()
) -> list[int]:
    """Sends each event, in order, to its audience: everyone, or whoever is in at least one of its rooms, once; but
    not to the clients whose sids are in `besides`. With `offsets` each event ends with its own, for the clients that
    take them.

    When this returns, each client's events are on their way to it in that order: to a crowd in slices
    (`CrowdWrites`), to anybody else at once. Returns to how many connections each event was written.
    """
    written: list[int] = []
    run: list[Ended] = []
    """What goes to the same clients, with nothing between that anybody hears."""
    run_to: To = ()
    subscribers, count = NOBODY, 0
    found: dict[To, Subscribers] = {(): NOBODY}
    """Who they are, as long as nothing is sent: whose socket turns out to be full is not written to past what it has
    not read."""
    crowd_writes = server.eio.crowd_writes
    keeps_confidence, subscribers_of = server.keeps_confidence, server.manager.index("/").of
    ends: Sequence[str | None] = offsets or [None] * len(events)
    for event, offset in zip(events, ends, strict=True):
        audience = reached(event.name, event.audience) if keeps_confidence else event.audience
        to: To = EVERYONE if audience.everyone else audience.rooms
        if to != run_to:
            others = found.get(to)
            if others is None:
                others = found[to] = subscribers_of(to, besides)
            if others is NOBODY:
                written.append(0)
                continue
            if run:
                _send(crowd_writes, run_to, subscribers, run)
                others = subscribers_of(to, besides)
                found = {(): NOBODY, to: others}
            run, run_to, subscribers, count = [], to, others, len(others)
        if count:
            run.append((event, offset))
        written.append(count)
    if run:
        _send(crowd_writes, run_to, subscribers, run)
    crowd_writes.close()
    return written


def _send(crowd_writes: CrowdWrites, to: To, subscribers: Subscribers, run: Sequence[Ended]) -> None:
    """To each as one write."""
    queued = subscribers.queued
    messages = [event_message(event, offset) for event, offset in run]
    if len(subscribers) > CROWD:
        plain = [event_message(event, None) for event, _ in run]
        crowd_writes.put(to, subscribers.direct, queued, messages, plain)
        return
    offsetless = queued and {sid: connection for sid, connection in queued.items() if not connection.takes_offsets}
    if offsetless:
        Subscribers(queued=offsetless).send([event_message(event, None) for event, _ in run], crowd_writes)
        queued = {sid: connection for sid, connection in queued.items() if sid not in offsetless}
        subscribers = Subscribers(subscribers.direct, queued)
    subscribers.send(messages, crowd_writes)
