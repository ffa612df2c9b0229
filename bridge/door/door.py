"""Front door for uvicorn: it makes the protocol of each connection that uvicorn accepts."""

from typing import Any

from bridge.door.connection import HttpConnection
from bridge.door.doorkeeper import Doorkeeper

__all__ = ["Door"]


class Door(Doorkeeper):
    """Makes a connection's protocol for uvicorn, `uvicorn.Config(http=Door(…))`."""

    def __call__(
        self, config: Any, server_state: Any, app_state: dict[str, Any], _loop: object = None
    ) -> HttpConnection:
        return HttpConnection(self, config, server_state, app_state)
