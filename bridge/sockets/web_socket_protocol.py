"""uvicorn's WebSocket protocol with a door for frames that are ready: `uvicorn.Config(ws=FrameProtocol)`.

Nothing of it is documented; `test_socket_speed_*` fails when uvicorn changes under it. Used are `transport`,
`handshake_complete` and `close_sent`.
"""

from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

__all__ = ["FrameProtocol", "protocol_of"]

# Status 1000: a normal closure.
CLOSE_FRAME = b"\x88\x02\x03\xe8"
FLUSH_SECONDS = 5.0


class FrameProtocol(WebSocketsSansIOProtocol):
    """A WebSocket to which frames can be written as they are, at once and in order with whatever else it sends."""

    @property
    def is_writable(self) -> bool:
        return self.handshake_complete and not self.close_sent and not self.transport.is_closing()

    @property
    def backlog_bytes(self) -> int:
        """What the client has not read, as far as the kernel has not taken it."""
        return self.transport.get_write_buffer_size()

    def write_frames(self, frames: bytes) -> None:
        self.transport.write(frames)

    def finish(self) -> None:
        """Ends the connection after what is still to be written, if the client takes that within moments."""
        if self.is_writable:
            self.transport.write(CLOSE_FRAME)
            self.close_sent = True
            self.transport.close()
            self.loop.call_later(FLUSH_SECONDS, self.transport.abort)

    def abort(self) -> None:
        """Ends the connection at once, whatever is still to be written."""
        self.transport.abort()


def protocol_of(send: Any) -> FrameProtocol | None:
    """The protocol behind an ASGI `send`; None behind any other server's, or one that is wrapped."""
    protocol = getattr(send, "__self__", None)
    return protocol if isinstance(protocol, FrameProtocol) else None
