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
    aside: Mapping[str, Connection] = field(default_factory=dict)
    """The others: those that poll, that take no offsets, or that have not read all that they were sent."""

    def __bool__(self) -> bool:
        return bool(self.direct or self.aside)

    def __len__(self) -> int:
        return len(self.direct) + len(self.aside)

    def tell(self, messages: list[Outgoing]) -> None:
        """Sends messages, in order, to each of them; to a WebSocket as one write."""
        frames = frames_of(messages)
        # Before the others are written to: whose socket turns out to be full is among these from then on.
        aside = list(self.aside.values())
        write_frames(self.direct.values(), frames)
        for connection in aside:
            connection.put_messages(messages, frames)


NOBODY = Subscribers()


class SubscriberIndex:
    """The clients in each room."""

    def __init__(self) -> None:
        self._direct: dict[Room, dict[str, Send]] = {}
        self._aside: dict[Room, dict[str, Connection]] = {}

    def add(self, room: Room, sid: str, connection: Connection) -> None:
        """From now on a client hears what goes to a room."""
        send = connection.direct
        if send is not None:
            self._direct.setdefault(room, {})[sid] = send
            _remove(self._aside, room, sid)
        else:
            self._aside.setdefault(room, {})[sid] = connection
            _remove(self._direct, room, sid)

    def discard(self, room: Room, sid: str) -> None:
        """A client hears no more of what goes to a room."""
        _remove(self._direct, room, sid)
        _remove(self._aside, room, sid)

    def of(self, rooms: Iterable[Room], besides: Collection[str | None] = ()) -> Subscribers:
        """Those in at least one of some rooms."""
        direct: dict[str, Send] | None = None
        aside: dict[str, Connection] | None = None
        for room in rooms:
            if room in self._direct:
                direct = self._direct[room] if direct is None else direct | self._direct[room]
            if room in self._aside:
                aside = self._aside[room] if aside is None else aside | self._aside[room]
        if direct is None and aside is None:
            return NOBODY
        if besides:
            direct = {sid: send for sid, send in (direct or {}).items() if sid not in besides}
            aside = {sid: connection for sid, connection in (aside or {}).items() if sid not in besides}
        return Subscribers(direct or {}, aside or {})


def _remove(index: dict[Room, dict[str, Send]] | dict[Room, dict[str, Connection]], room: Room, sid: str) -> None:
    members = index.get(room)
    if members is not None:
        members.pop(sid, None)
        if not members:
            del index[room]
