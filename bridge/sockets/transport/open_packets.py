"""Open packets: the first of each connection, in which all but the id is the same for all."""

from typing import TYPE_CHECKING

from engineio.packet import OPEN

from coordinator.compact_json import compact_json

if TYPE_CHECKING:
    from bridge.sockets.transport.engine import EngineIoServer

__all__ = ["OpenPackets"]


class OpenPackets:
    """First packets, encoded."""

    def __init__(self, engine: "EngineIoServer") -> None:
        self._engine = engine
        self._rest_of: dict[str, str] = {}
        """By transport, what comes after the id."""

    def of(self, sid: str, transport: str) -> str:
        """That of a connection."""
        if transport not in self._rest_of:
            content = {
                "upgrades": self._engine._upgrades(sid, transport),
                "pingInterval": round(self._engine.ping_interval * 1000),
                "pingTimeout": round(self._engine.ping_timeout * 1000),
                "maxPayload": self._engine.max_http_buffer_size,
            }
            self._rest_of[transport] = compact_json(content).removeprefix("{")
        return f'{OPEN}{{"sid":"{sid}",{self._rest_of[transport]}'
