"""The port of `/metrics`, where it has one of its own."""

import asyncio
import socket
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from bridge.cli.address import open_listener

if TYPE_CHECKING:
    from bridge.settings import Settings
    from bridge.sockets.transport.unread_bytes import UnreadBytes

__all__ = ["MetricsPort"]

# Whoever scrapes comes alone, or in twos; of its own so that there is a place for them when clients have all others.
CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class _Served:
    """What the front door reads of uvicorn's configuration."""

    loaded_app: Any
    root_path: str = ""
    asgi_version: str = "3.0"
    ws_protocol_class: None = None


class MetricsPort:
    """Listens for whoever scrapes, unless figures are with everything else."""

    def __init__(self, listener: socket.socket | None) -> None:
        self._listener = listener
        self._server: asyncio.Server | None = None
        self._state: Any = None

    @classmethod
    def opened(cls, settings: "Settings") -> Self:
        """Raises AddressError if somebody has that port."""
        if not settings.metrics_port:
            return cls(None)
        elsewhere = "set BRIDGE_METRICS_PORT to a free port, such as {port}"
        listener = open_listener(
            settings.metrics_host, settings.metrics_port, elsewhere=elsewhere, host_variable="BRIDGE_METRICS_HOST"
        )
        listener.setblocking(False)
        return cls(listener)

    async def serve(self, application: Any, settings: "Settings", unread: "UnreadBytes") -> None:
        """Answers from now on."""
        if self._listener is None:
            return
        from uvicorn.server import ServerState

        from bridge.door import ConnectionLimits, Door

        connection_limits = ConnectionLimits(places=CONNECTIONS, reserved_places=1, per_address=CONNECTIONS)
        door, self._state = Door(connection_limits, settings.door_limits, unread), ServerState()
        connected = partial(door, _Served(application), self._state, {})
        self._server = await asyncio.get_running_loop().create_server(connected, sock=self._listener)

    def close(self) -> None:
        """Takes nobody any more; whoever has asked is answered."""
        if self._server is None:
            return
        self._server.close()
        for connection in list(self._state.connections):
            connection.shutdown()
