"""Who is connected, and in which rooms: where the library's manager is not left as it is.

Nothing of it is documented except `emit`; see `server.py` for how it is held. Overridden here:

- `get_participants`, `pre_connect`, `connect`, `emit`: nobody hears anything before its CONNECT; `connect` registered
  a client anew that had gone away in the meantime; and `emit` made a task for each client, where each is written to
  at once here, what it is told being encoded once.
- `basic_enter_room`, `basic_leave_room`, `basic_close_room`, `basic_disconnect`, `get_rooms`: the library looks
  through all rooms of all clients to find those of one, and keeps a third of a kilobyte for each membership; and
  `basic_enter_room` left an empty room behind for a client that was gone. Of its `rooms`, that of everyone alone is
  left to it, by which it finds clients.

Used besides: `_generate_ack_id`.
"""

from collections.abc import Collection, Iterator
from typing import Any, Protocol

import socketio
from socketio.packet import EVENT

from bridge.sockets.errors import ClientGoneError
from bridge.sockets.rooms.subscribers import Client, RoomIndex, Subscribers
from bridge.sockets.transport.connection import Connection
from bridge.sockets.transport.frames import Outgoing

__all__ = ["ClientManager", "Member", "Watcher", "packet_parts"]

Member = tuple[str, str]
"""A namespace and the sid of one of its clients."""

NOBODY_THERE = RoomIndex()


class Watcher(Protocol):
    """Whoever has to know that a client entered or left a room, or is gone altogether."""

    def entered_room(self, member: Member, room: str) -> None: ...

    def left_room(self, member: Member, room: str) -> None: ...

    def departed(self, member: Member) -> None: ...


class ClientManager(socketio.AsyncManager):  # type: ignore[misc]  # python-socketio ships no types
    """Who is in which room. A client that has not had its CONNECT is in its rooms but receives nothing."""

    def __init__(self) -> None:
        super().__init__()
        self._of: dict[str, RoomIndex] = {}
        """By namespace."""
        self.watchers: list[Watcher] = []

    def _client(self, sid: str, namespace: str) -> Client | None:
        index = self._of.get(namespace)
        return None if index is None else index.clients.get(sid)

    def get_participants(self, namespace: str, room: Any) -> Iterator[tuple[str, str]]:
        """The connected members of a room, or of several, each once."""
        index = self.index(namespace)
        names = [room] if room is None or isinstance(room, str) else room
        for sid in dict.fromkeys(sid for name in names for sid in index.sids_of(name)):
            yield sid, self.eio_sid_from_sid(sid, namespace)

    async def pre_connect(self, eio_sid: str, namespace: str, sid: str | None = None) -> str | None:
        """Registers a client, whose sid is a new one unless it is given; None if its connection has a client there
        already."""
        if self.sid_from_eio_sid(eio_sid, namespace) is not None:
            return None
        if sid is None:
            sid = str(self.server.eio.generate_id())
        super().basic_enter_room(sid, namespace, None, eio_sid=eio_sid)
        connection = self.server.eio.sockets.get(eio_sid)
        client = Client(sid, connection if isinstance(connection, Connection) else None)
        self._of.setdefault(namespace, RoomIndex()).clients[sid] = client
        self.pending_connect.setdefault(namespace, []).append(sid)
        return sid

    async def connect(self, sid: str, namespace: str) -> str | None:
        """Lets a client hear, beginning with what was held for it; None if it has gone away.

        Nothing here waits for anything, so nothing emitted later can overtake what was held.
        """
        client = self._client(sid, namespace)
        held = None if client is None else client.held
        if client is None or held is None:
            return None
        await super().connect(sid, namespace)
        self._of[namespace].subscribe(client)
        if client.connection is not None:
            client.connection.keep_apart()
            for parts in held:
                client.connection.writer.put_parts(parts)
        return sid

    def moved(self, connection: Connection) -> None:
        """A connection can be written to directly, or no longer."""
        for namespace, index in self._of.items():
            sid = self.sid_from_eio_sid(connection.sid, namespace)
            if sid is not None:
                index.moved(index.clients[sid])

    def index(self, namespace: str) -> RoomIndex:
        """Who hears what in a namespace."""
        return self._of.get(namespace, NOBODY_THERE)

    def subscribers(
        self, namespace: str, to: str | Collection[str] | None, besides: Collection[str] = ()
    ) -> Subscribers:
        """Who receives what goes to a room, to several or, with None, to everyone; each once."""
        return self.index(namespace).of([to] if to is None or isinstance(to, str) else to, besides)

    def connection(self, sid: str, namespace: str = "/") -> Connection | None:
        """The connection of a client."""
        client = self._client(sid, namespace)
        return None if client is None else client.connection

    async def emit(
        self,
        event: str,
        data: Any,
        namespace: str,
        room: Any = None,
        skip_sid: Any = None,
        callback: Any = None,
        to: Any = None,
        **rest: Any,
    ) -> None:
        room = to or room
        besides = skip_sid if isinstance(skip_sid, list) else [] if skip_sid is None else [skip_sid]
        for name in {room} if isinstance(room, str) else set(room or ()):
            client = self._client(name, namespace)
            if client is not None and client.held is not None and name not in besides:
                client.held.append(self._event_parts(event, data, namespace, self._ack_id(name, callback)))
        if callback:
            await super().emit(event, data, namespace, room=room, skip_sid=skip_sid, callback=callback, **rest)
            return
        subscribers = self.subscribers(namespace, room or None, besides)
        if subscribers:
            parts = [Outgoing(part) for part in self._event_parts(event, data, namespace)]
            subscribers.send(parts, self.server.eio.crowd_writes)

    def tell(self, member: Member, event: str, data: Any) -> None:
        """Tells one client at once what is for nobody else, if it has had its CONNECT."""
        namespace, sid = member
        client = self._client(sid, namespace)
        if client is not None and client.held is None and client.connection is not None:
            client.connection.writer.put_parts(self._event_parts(event, data, namespace))

    def _ack_id(self, sid: str, callback: Any) -> int | None:
        return self._generate_ack_id(sid, callback) if callback else None

    def _event_parts(self, event: str, data: Any, namespace: str, ack_id: int | None = None) -> list[str | bytes]:
        arguments = [] if data is None else list(data) if isinstance(data, tuple) else [data]
        return packet_parts(self.server.packet_class(EVENT, namespace=namespace, data=[event, *arguments], id=ack_id))

    def basic_enter_room(self, sid: str, namespace: str, room: str, eio_sid: str | None = None) -> None:
        client = self._client(sid, namespace)
        if client is None:
            raise ClientGoneError(f"the client {sid} is not connected to {namespace}, so it cannot enter a room")
        if room != sid and self.is_sid_room(namespace, room):
            raise ValueError("cannot enter a sid room")
        if room == sid or room in client.rooms:
            return
        self._of[namespace].enter(client, room)
        for watcher in self.watchers:
            watcher.entered_room((namespace, sid), room)

    def basic_leave_room(self, sid: str, namespace: str, room: str) -> None:
        client = self._client(sid, namespace)
        if client is None or room not in client.rooms:
            return
        self._of[namespace].leave(client, room)
        self._has_left((namespace, sid), room)

    def _has_left(self, member: Member, room: str) -> None:
        for watcher in self.watchers:
            watcher.left_room(member, room)

    def basic_close_room(self, room: str, namespace: str) -> None:
        if self.is_sid_room(namespace, room):
            raise ValueError("cannot close a sid room")
        for client in self.index(namespace).members(room):
            self.basic_leave_room(client.sid, namespace, room)

    def basic_disconnect(self, sid: str, namespace: str, **_: Any) -> None:
        client, member = self._client(sid, namespace), (namespace, sid)
        if client is not None:
            rooms, index = client.rooms, self._of[namespace]
            index.forget(client)
            for room in reversed(rooms):
                self._has_left(member, room)
            super().basic_leave_room(sid, namespace, None)
            if not index.clients:
                del self._of[namespace]
        self.callbacks.pop(sid, None)
        for pending in (self.pending_connect, self.pending_disconnect):
            waiting = pending.get(namespace, [])
            if sid in waiting:
                waiting.remove(sid)
                if not waiting:
                    del pending[namespace]
        for watcher in self.watchers:
            watcher.departed(member)

    @property
    def client_count(self) -> int:
        """How many clients there are, each once for each of its namespaces."""
        return sum(len(index.clients) for index in self._of.values())

    def own_rooms(self, sid: str, namespace: str) -> tuple[str, ...]:
        """The rooms that a client is in, besides its own and that of everyone."""
        client = self._client(sid, namespace)
        return () if client is None else client.rooms

    def get_rooms(self, sid: str, namespace: str) -> list[str]:
        client = self._client(sid, namespace)
        return [] if client is None else [sid, *client.rooms]


def packet_parts(packet: Any) -> list[str | bytes]:
    """A packet as the engine sends it: its text, followed by its binary attachments."""
    encoded = packet.encode()
    return encoded if isinstance(encoded, list) else [encoded]
