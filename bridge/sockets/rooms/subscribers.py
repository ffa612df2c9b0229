"""Subscribers of each room, kept such that delivering to many touches as little memory as can be (with a thousand
clients that is a quarter of what a delivery costs), and that a room of few takes no more than their names would.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from bridge.sockets.transport.connection import Connection
from bridge.sockets.transport.crowd_writes import CrowdWrites
from bridge.sockets.transport.direct_writes import Send, write_frames, writer_of
from bridge.sockets.transport.frames import Outgoing, frames_of

__all__ = ["NOBODY", "Client", "RoomIndex", "Subscribers"]

# Up to so many it costs next to nothing to look how each is written to. Most rooms are of one buyer or one chat.
FEW = 8


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

    def send(self, messages: list[Outgoing], crowd_writes: CrowdWrites) -> None:
        """Sends messages, in order, to each of them, behind what `crowd_writes` has for it; to a WebSocket as one
        write."""
        frames = frames_of(messages)
        if crowd_writes.waiting:
            for writer in [*map(writer_of, self.direct.values()), *(one.writer for one in self.queued.values())]:
                writer.put_messages(messages, frames)
            return
        # Before the others are written to: whose socket turns out to be full is among these from then on.
        queued = list(self.queued.values())
        write_frames(self.direct.values(), frames)
        for connection in queued:
            connection.writer.put_messages(messages, frames)


NOBODY = Subscribers()


@dataclass(slots=True, eq=False)
class Client:
    """One client of a namespace."""

    sid: str
    connection: Connection | None
    """None where the engine has none of our kind for it: then it hears nothing."""
    rooms: tuple[str, ...] = ()
    """Those that it is in, in the order in which it entered them; not its own, by its sid, nor that of everyone."""
    held: list[list[str | bytes]] | None = field(default_factory=list)
    """While it waits for its CONNECT, what was addressed to it alone, to be sent right after; None once it hears."""


class _Crowd:
    """The clients of a room of many."""

    __slots__ = ("direct", "queued")

    def __init__(self) -> None:
        self.direct: dict[str, Send] = {}
        self.queued: dict[str, Connection] = {}

    def put(self, client: Client) -> None:
        """A client is among them, in the one way or the other."""
        self.discard(client)
        _sort(client, self.direct, self.queued)

    def discard(self, client: Client) -> None:
        self.direct.pop(client.sid, None)
        self.queued.pop(client.sid, None)


def _sort(client: Client, direct: dict[str, Send], queued: dict[str, Connection]) -> None:
    """Puts a client where it belongs as things stand."""
    if client.connection is None:
        return
    send = client.connection.direct
    if send is not None:
        direct[client.sid] = send
    else:
        queued[client.sid] = client.connection


class RoomIndex:
    """The clients of one namespace, and who of them hears what goes to each room. Whoever has not had its CONNECT is
    in its rooms, and hears nothing."""

    def __init__(self) -> None:
        self.clients: dict[str, Client] = {}
        """By their sids."""
        self._by_room: dict[str | None, tuple[Client, ...] | _Crowd] = {}
        """By room; None is that of everyone."""

    def subscribe(self, client: Client) -> None:
        """From now on a client hears what goes to everyone, and to the rooms that it is in."""
        client.held = None
        for room in (None, *client.rooms):
            self._add(room, client)

    def enter(self, client: Client, room: str) -> None:
        """A client is in a room from now on, in which it was not."""
        client.rooms += (room,)
        if client.held is None:
            self._add(room, client)

    def leave(self, client: Client, room: str) -> None:
        """A client is not in a room any more, in which it was."""
        client.rooms = tuple(one for one in client.rooms if one != room)
        self._discard(room, client)

    def forget(self, client: Client) -> None:
        """A client is gone."""
        for room in (None, *client.rooms):
            self._discard(room, client)
        client.rooms = ()
        del self.clients[client.sid]

    def moved(self, client: Client) -> None:
        """A client can be written to directly, or no longer."""
        for room in (None, *client.rooms) if client.held is None else ():
            subscribed = self._by_room[room]
            if isinstance(subscribed, _Crowd):
                subscribed.put(client)

    def _add(self, room: str | None, client: Client) -> None:
        subscribed = self._by_room.get(room, ())
        if not isinstance(subscribed, _Crowd) and len(subscribed) < FEW:
            self._by_room[room] = (*subscribed, client)
            return
        if not isinstance(subscribed, _Crowd):
            few, subscribed = subscribed, _Crowd()
            for one in few:
                subscribed.put(one)
            self._by_room[room] = subscribed
        subscribed.put(client)

    def _discard(self, room: str | None, client: Client) -> None:
        subscribed = self._by_room.get(room, ())
        if isinstance(subscribed, _Crowd):
            subscribed.discard(client)
            is_empty = not (subscribed.direct or subscribed.queued)
        else:
            subscribed = self._by_room[room] = tuple(one for one in subscribed if one is not client)
            is_empty = not subscribed
        if is_empty:
            del self._by_room[room]

    def members(self, room: str) -> list[Client]:
        """Whoever is in a room, also who hears nothing yet; to be asked rarely."""
        return [client for client in self.clients.values() if room == client.sid or room in client.rooms]

    def sids_of(self, room: str | None) -> Iterator[str]:
        """The sids of those who hear what goes to a room, each once."""
        client = None if room is None else self.clients.get(room)
        subscribed = self._by_room.get(room, ())
        if client is not None and client.held is None:
            yield client.sid
        elif isinstance(subscribed, _Crowd):
            yield from (*subscribed.direct, *subscribed.queued)
        else:
            yield from (one.sid for one in subscribed)

    def of(self, rooms: Collection[str | None], besides: Collection[str] = ()) -> Subscribers:
        """Those who hear what goes to at least one of some rooms; NOBODY if nobody is there."""
        direct: dict[str, Send] = {}
        queued: dict[str, Connection] = {}
        for room in rooms:
            subscribed = self._by_room.get(room, ())
            if not isinstance(subscribed, _Crowd):
                for client in subscribed:
                    _sort(client, direct, queued)
            elif len(rooms) == 1 and not besides:
                return Subscribers(subscribed.direct, subscribed.queued)
            else:
                direct |= subscribed.direct
                queued |= subscribed.queued
        for room in rooms:
            # Every client is in a room of its own, by its sid. What goes there may be held back for a moment.
            alone = None if room is None else self.clients.get(room)
            if alone is not None and alone.held is None and alone.connection is not None:
                direct.pop(alone.sid, None)
                queued[alone.sid] = alone.connection
        for sid in besides:
            direct.pop(sid, None)
            queued.pop(sid, None)
        return Subscribers(direct, queued) if direct or queued else NOBODY
