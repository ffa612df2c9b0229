"""The front door: HTTP/1.1 as it comes in, bounded in bytes, in time and in connections before a route hears of it.

uvicorn listens and hands each connection to `Door`; what asks for a WebSocket goes on to `bridge/sockets`.
"""

from bridge.door.budget import LoopBudget
from bridge.door.connection_limits import ConnectionLimits, Stand
from bridge.door.door import Door
from bridge.door.forwarded import Forwarded
from bridge.door.limits import DoorLimits
from bridge.door.proxies import require_narrow

__all__ = ["ConnectionLimits", "Door", "DoorLimits", "Forwarded", "LoopBudget", "Stand", "require_narrow"]
