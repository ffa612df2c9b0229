"""Who hears what goes to each room, kept such that telling them touches as little memory as can be: with a thousand
clients that is a quarter of what a delivery costs.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from bridge.sockets.transport.connection import Connection
from bridge.sockets.transport.direct import Send, write_frames
from bridge.sockets.transport.frames import Outgoing, frames_of

__all__ = ["NOBODY", "SubscriberIndex", "Subscribers"]

Room = tuple[str, str | None]
"""A namespace and a room in it; None is the room of everyone."""


@dataclass(frozen=True, slots=True)
class Subscribers:
    """Clients, each once, by their sids."""

    direct: Mapping[str, Send] = field(default_factory=dict)
    """Those whose sockets take at once what they are sent."""
    queued: Mapping[str, Connection] = field(default_factory=dict)
    """The others: those that poll, that take no offsets, or that have not read all that they were sent."""

    def __bool__(self) -> bool:
        return bool(self.direct or self.queued)

    def __len__(self) -> int:
        return len(self.direct) + len(self.queued)

    def send(self, messages: list[Outgoing]) -> None:
        """Sends messages, in order, to each of them; to a WebSocket as one write."""
        frames = frames_of(messages)
        # Before the others are written to: whose socket turns out to be full is among these from then on.
        queued = list(self.queued.values())
        write_frames(self.direct.values(), frames)
        for connection in queued:
            connection.writer.put_messages(messages, frames)


NOBODY = Subscribers()


class SubscriberIndex:
    """The clients in each room."""

    def __init__(self) -> None:
        self._direct: dict[Room, dict[str, Send]] = {}
        self._queued: dict[Room, dict[str, Connection]] = {}

    def add(self, room: Room, sid: str, connection: Connection) -> None:
        """From now on a client receives what goes to a room."""
        send = connection.direct
        if send is not None:
            self._direct.setdefault(room, {})[sid] = send
            _remove(self._queued, room, sid)
        else:
            self._queued.setdefault(room, {})[sid] = connection
            _remove(self._direct, room, sid)

    def discard(self, room: Room, sid: str) -> None:
        """A client receives no more of what goes to a room."""
        _remove(self._direct, room, sid)
        _remove(self._queued, room, sid)

    def of(self, rooms: Iterable[Room], besides: Collection[str | None] = ()) -> Subscribers:
        """Those in at least one of some rooms."""
        direct: dict[str, Send] | None = None
        queued: dict[str, Connection] | None = None
        for room in rooms:
            if room in self._direct:
                direct = self._direct[room] if direct is None else direct | self._direct[room]
            if room in self._queued:
                queued = self._queued[room] if queued is None else queued | self._queued[room]
        if direct is None and queued is None:
            return NOBODY
        if besides:
            direct = {sid: send for sid, send in (direct or {}).items() if sid not in besides}
            queued = {sid: connection for sid, connection in (queued or {}).items() if sid not in besides}
        return Subscribers(direct or {}, queued or {})


def _remove(index: dict[Room, dict[str, Send]] | dict[Room, dict[str, Connection]], room: Room, sid: str) -> None:
    members = index.get(room)
    if members is not None:
        members.pop(sid, None)
        if not members:
            del index[room]
