"""What a server holds, for Prometheus."""

from prometheus_client import Gauge

from bridge.sockets.server import SocketServer

__all__ = ["show_figures"]

CONNECTIONS = Gauge(
    "bridge_sockets_connections", "Connections that are open, also those of clients still to be connected"
)
CLIENTS = Gauge("bridge_sockets_clients", "Clients that are connected to a namespace")
SESSIONS = Gauge("bridge_sockets_sessions", "Sessions that connected clients hold, which are in memory")


def show_figures(server: SocketServer) -> None:
    """From now on the figures are those of a server."""
    CONNECTIONS.set_function(lambda: len(server.eio.sockets))
    CLIENTS.set_function(lambda: server.manager.client_count)
    SESSIONS.set_function(lambda: len(server.recovery.session_ids()) if server.recovery is not None else 0)
