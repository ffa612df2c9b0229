"""What is used of uvicorn, by the front door, by `bridge/sockets/transport/web_socket_protocol.py`, and by
`serve.py` and `metrics_port.py` of `bridge/cli/`."""

__all__ = ["UVICORN_NAMES"]

UVICORN_NAMES = {
    "uvicorn.config.Config": ("http", "loaded_app", "root_path", "asgi_version", "ws_protocol_class", "ws_max_size"),
    "uvicorn.server.ServerState": ("connections", "tasks", "default_headers", "total_requests"),
    "uvicorn.server.Server": ("startup", "shutdown", "started", "should_exit", "config", "server_state", "lifespan"),
    "uvicorn.lifespan.on.LifespanOn": ("state",),
}
"""Of its objects, the attributes. It uses of our protocols the constructor and `shutdown`."""
