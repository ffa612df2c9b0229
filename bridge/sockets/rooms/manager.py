"""Who is connected, and in which rooms: where the library's manager is not left as it is.

Nothing of it is documented except `emit`; see `server.py` for how it is held. Overridden here:

- `get_participants`, `pre_connect`, `connect`, `emit`: nobody hears anything before its CONNECT; `connect` registered
  a client anew that had gone away in the meantime; and `emit` made a task for each client, where each is written to
  at once here, what it is told being encoded once.
- `basic_enter_room`, `basic_leave_room`, `basic_close_room`, `basic_disconnect`, `get_rooms`: an index of the rooms
  each client is in, because the library looks through all rooms of all clients to find them; and `basic_enter_room`
  left an empty room behind for a client that was gone.

Used besides: `_generate_ack_id`.
"""

from collections.abc import Collection, Iterator
from typing import Any, Protocol

import socketio
from socketio.packet import EVENT

from bridge.sockets.errors import ClientGoneError
from bridge.sockets.rooms.subscribers import NOBODY, SubscriberIndex, Subscribers
from bridge.sockets.transport.connection import Connection
from bridge.sockets.transport.frames import Outgoing

__all__ = ["ClientManager", "Member", "Watcher", "packet_parts"]

Member = tuple[str, str]
"""A namespace and the sid of one of its clients."""


class Watcher(Protocol):
    """Whoever has to know that a client entered or left a room, or is gone altogether."""

    def entered_room(self, member: Member, room: str) -> None: ...

    def left_room(self, member: Member, room: str) -> None: ...

    def departed(self, member: Member) -> None: ...


class ClientManager(socketio.AsyncManager):  # type: ignore[misc]  # python-socketio ships no types
    """Who is in which room. A client that has not had its CONNECT is in its rooms but receives nothing."""

    def __init__(self) -> None:
        super().__init__()
        self._rooms_of: dict[Member, dict[str | None, None]] = {}
        """The rooms of each client in the order in which it entered them; None is the library's room of everyone."""
        self._held: dict[Member, list[list[str | bytes]]] = {}
        """For each client that waits for its CONNECT, the packets addressed to it alone, to be sent right after."""
        self._connections: dict[Member, Connection] = {}
        self._subscribers = SubscriberIndex()
        """Those who have had their CONNECT."""
        self.watchers: list[Watcher] = []

    def get_participants(self, namespace: str, room: Any) -> Iterator[tuple[str, str]]:
        """The connected members of a room, or of several, each once."""
        members: Iterator[tuple[str, str]] = super().get_participants(namespace, room)
        if not self._held:
            return members
        return (member for member in members if (namespace, member[0]) not in self._held)

    async def pre_connect(self, eio_sid: str, namespace: str, sid: str | None = None) -> str | None:
        """Registers a client, whose sid is a new one unless it is given; None if its connection has a client there
        already."""
        if sid is None:
            sid = await super().pre_connect(eio_sid, namespace)
        elif self.sid_from_eio_sid(eio_sid, namespace) is None:
            self.basic_enter_room(sid, namespace, None, eio_sid=eio_sid)
            self.basic_enter_room(sid, namespace, sid, eio_sid=eio_sid)
            self.pending_connect.setdefault(namespace, []).append(sid)
        else:
            return None
        if sid is not None:
            self._held[namespace, sid] = []
        return sid

    async def connect(self, sid: str, namespace: str) -> str | None:
        """Lets a client hear, beginning with what was held for it; None if it has gone away.

        Nothing here waits for anything, so nothing emitted later can overtake what was held.
        """
        held = self._held.pop((namespace, sid), None)
        if held is None:
            return None
        await super().connect(sid, namespace)
        connection = self._connections.get((namespace, sid))
        if connection is not None:
            connection.keep_apart()
            self._place(namespace, sid, connection)
            for parts in held:
                connection.writer.put_parts(parts)
        return sid

    def moved(self, connection: Connection) -> None:
        """A connection can be written to directly, or no longer."""
        for namespace in self.rooms:
            sid = self.sid_from_eio_sid(connection.sid, namespace)
            if sid is not None and (namespace, sid) not in self._held:
                self._place(namespace, sid, connection)

    def _place(self, namespace: str, sid: str, connection: Connection) -> None:
        for room in self._rooms_of[namespace, sid]:
            if room != sid:  # which is the connection itself
                self._subscribers.add((namespace, room), sid, connection)

    def subscribers(
        self, namespace: str, to: str | Collection[str] | None, besides: Collection[str | None] = ()
    ) -> Subscribers:
        """Who receives what goes to a room, to several or, with None, to everyone; each once."""
        wanted = [to] if to is None or isinstance(to, str) else to
        # Most events are for rooms that nobody is in at the moment.
        if self.rooms.get(namespace, {}).keys().isdisjoint(wanted):
            return NOBODY
        rooms = [(namespace, room) for room in wanted]
        found = self._subscribers.of(rooms, besides)
        # Every client is in a room of its own, by its sid.
        alone = {
            room: self._connections[namespace, room]
            for _, room in rooms
            if room is not None
            and (namespace, room) in self._connections
            and (namespace, room) not in self._held
            and room not in besides
        }
        if not alone:
            return found
        direct = {sid: send for sid, send in found.direct.items() if sid not in alone}
        return Subscribers(direct, {**found.queued, **alone})

    def connection(self, sid: str, namespace: str = "/") -> Connection | None:
        """The connection of a client."""
        return self._connections.get((namespace, sid))

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
        if self._held and room:
            skipped = skip_sid if isinstance(skip_sid, list) else [skip_sid]
            for sid in {room} if isinstance(room, str) else set(room):
                if (namespace, sid) in self._held and sid not in skipped:
                    self._hold(sid, namespace, event, data, callback)
        if callback:
            await super().emit(event, data, namespace, room=room, skip_sid=skip_sid, callback=callback, **rest)
            return
        besides = skip_sid if isinstance(skip_sid, list) else [] if skip_sid is None else [skip_sid]
        subscribers = self.subscribers(namespace, room or None, besides)
        if subscribers:
            arguments = [] if data is None else list(data) if isinstance(data, tuple) else [data]
            packet = self.server.packet_class(EVENT, namespace=namespace, data=[event, *arguments])
            subscribers.send([Outgoing(part) for part in packet_parts(packet)])

    def _hold(self, sid: str, namespace: str, event: str, data: Any, callback: Any) -> None:
        arguments = [] if data is None else list(data) if isinstance(data, tuple) else [data]
        ack_id = self._generate_ack_id(sid, callback) if callback else None
        packet = self.server.packet_class(EVENT, namespace=namespace, data=[event, *arguments], id=ack_id)
        self._held[namespace, sid].append(packet_parts(packet))

    def basic_enter_room(self, sid: str, namespace: str, room: str | None, eio_sid: str | None = None) -> None:
        member = (namespace, sid)
        if eio_sid is None and member not in self._rooms_of:
            raise ClientGoneError(f"the client {sid} is not connected to {namespace}, so it cannot enter a room")
        super().basic_enter_room(sid, namespace, room, eio_sid=eio_sid)
        self._rooms_of.setdefault(member, {})[room] = None
        if room is None:
            connection = self.server.eio.sockets.get(self.eio_sid_from_sid(sid, namespace))
            if isinstance(connection, Connection):
                self._connections[member] = connection
            return
        if room != sid and member not in self._held and member in self._connections:
            self._subscribers.add((namespace, room), sid, self._connections[member])
        if room != sid:
            for watcher in self.watchers:
                watcher.entered_room(member, room)

    def basic_leave_room(self, sid: str, namespace: str, room: str | None) -> None:
        super().basic_leave_room(sid, namespace, room)
        member = (namespace, sid)
        if room not in self._rooms_of.get(member, {}):
            return
        del self._rooms_of[member][room]
        self._subscribers.discard((namespace, room), sid)
        if room is not None:
            for watcher in self.watchers:
                watcher.left_room(member, room)

    def basic_close_room(self, room: str, namespace: str) -> None:
        if self.is_sid_room(namespace, room):
            raise ValueError("cannot close a sid room")
        for sid in list(self.rooms.get(namespace, {}).get(room, ())):
            self.basic_leave_room(sid, namespace, room)

    def basic_disconnect(self, sid: str, namespace: str, **_: Any) -> None:
        member = (namespace, sid)
        # In reverse, so that the room of everyone, by which the library finds the client, comes last.
        for room in reversed(list(self._rooms_of.get(member, ()))):
            self.basic_leave_room(sid, namespace, room)
        self._rooms_of.pop(member, None)
        self._held.pop(member, None)
        self._connections.pop(member, None)
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
        return len(self._connections)

    def room_count(self, sid: str, namespace: str) -> int:
        """How many rooms a client is in, besides its own and that of everyone."""
        return len(self._rooms_of.get((namespace, sid), {}).keys() - {None, sid})

    def get_rooms(self, sid: str, namespace: str) -> list[str]:
        return [room for room in self._rooms_of.get((namespace, sid), ()) if room is not None]


def packet_parts(packet: Any) -> list[str | bytes]:
    """A packet as the engine sends it: its text, followed by its binary attachments."""
    encoded = packet.encode()
    return encoded if isinstance(encoded, list) else [encoded]
