"""Direct writes, past the transport, straight into a socket that takes it at once: a quarter of what it costs
otherwise."""

import socket
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bridge.sockets.transport.writer import Writer

__all__ = ["Borrowed", "Send", "write_frames", "writer_of"]

Send = Callable[[bytes], int]
"""Puts bytes into a socket; returns how many it took. Raises OSError."""


class Borrowed(socket.socket):
    """The transport's socket, which is not ours to close."""

    __slots__ = ("writer",)
    writer: "Writer"

    def __del__(self) -> None:
        self.detach()


def write_frames(sends: Iterable[Send], frames: bytes) -> None:
    """Writes the same to many sockets. What stands in the loop is most of what a delivery costs."""
    length = len(frames)
    rest = []
    for send in sends:
        try:
            written = send(frames)
        except OSError:  # it is full; or gone, of which the transport hears as well
            written = 0
        if written != length:
            rest.append((send, written))
    for send, written in rest:
        writer_of(send).write_frames(frames[written:])


def writer_of(send: Send) -> "Writer":
    """Whose socket it is."""
    borrowed: Borrowed = send.__self__  # type: ignore[attr-defined]  # a method of it
    return borrowed.writer
