"""Departures: clients are told when to come back, and their connections closed, where the bridge stops."""

from dataclasses import dataclass

from bridge.catalogue.session import BridgeStopping
from bridge.sockets.server import DEFAULT_NAMESPACE, SocketServer
from bridge.sockets.transport.connection import Connection
from bridge.sockets.transport.disconnects import Disconnect

__all__ = ["Departure", "departures"]


@dataclass(frozen=True, slots=True)
class Departure:
    """Of one connection. Whoever has not connected to the namespace yet is closed without a word."""

    sockets: SocketServer
    connection: Connection

    def tell(self, come_back_in_ms: int) -> None:
        manager = self.sockets.manager
        sid = manager.sid_from_eio_sid(self.connection.sid, DEFAULT_NAMESPACE)
        if sid is not None:
            said = BridgeStopping(come_back_in_ms=come_back_in_ms)
            manager.tell((DEFAULT_NAMESPACE, sid), said.event_name, said.model_dump(mode="json", by_alias=True))

    @property
    def has_heard(self) -> bool:
        return self.connection.protocol is not None or not len(self.connection.writer.backlog)

    def close(self) -> None:
        self.connection.end(Disconnect.RESTARTING)


def departures(sockets: SocketServer) -> list[Departure]:
    """Of all connections that there are now."""
    return [Departure(sockets, connection) for connection in sockets.eio.sockets.values()]
