"""Messages to clients, each encoded once however many hear it: the Engine.IO packet and the WebSocket frame around it
(RFC 6455, section 5.2). No I/O.
"""

import struct
from functools import lru_cache
from typing import Any

from engineio.packet import MESSAGE, Packet
from propcache.api import cached_property

from coordinator.compact_json import compact_json
from coordinator.events import Event

__all__ = ["Outgoing", "content_of", "event_message", "frame_of", "frame_of_packet", "frames_of"]

FINAL, TEXT, BINARY = 0x80, 1, 2
# Lengths from these on are written in 16 and in 64 bits.
SHORT, LONG = 126, 1 << 16


def frame_of(content: str | bytes, opcode: int | None = None) -> bytes:
    """One WebSocket frame, as servers send it: whole, and not masked; of text or bytes, or of another `opcode`."""
    payload = content.encode() if isinstance(content, str) else content
    first = FINAL | (opcode or (TEXT if isinstance(content, str) else BINARY))
    length = len(payload)
    if length < SHORT:
        return struct.pack("!BB", first, length) + payload
    if length < LONG:
        return struct.pack("!BBH", first, 126, length) + payload
    return struct.pack("!BBQ", first, 127, length) + payload


class Outgoing:
    """A part of a Socket.IO packet, its text or an attachment, for any number of clients over either transport."""

    def __init__(self, content: str | bytes) -> None:
        self._content = content

    @cached_property
    def frame(self) -> bytes:
        return frame_of("4" + self._content if isinstance(self._content, str) else self._content)

    @cached_property
    def packet(self) -> Any:
        """For clients that poll."""
        return Packet(MESSAGE, data=self._content)


def event_message(event: Event, offset: str | None) -> Outgoing:
    """An event, as the journal has its payload, with its offset for the clients that take them."""
    end = "]" if offset is None else f',"{offset}"]'
    return Outgoing(f"{_begin_of(event.name)}{event.payload_json}{end}")


@lru_cache
def _begin_of(name: str) -> str:
    return f"2[{compact_json(name)},"


def frames_of(messages: list[Outgoing]) -> bytes:
    """The frames of messages in a row."""
    return messages[0].frame if len(messages) == 1 else b"".join([message.frame for message in messages])


def content_of(packet: Any) -> str | bytes:
    """What a packet of the engine is in a WebSocket. The library remembers how it was encoded first, which for bytes
    that were polled is text."""
    content: str | bytes = packet.data if packet.binary else packet.encode()
    return content


def frame_of_packet(packet: Any) -> bytes:
    """The frame of a packet of the engine."""
    return frame_of(content_of(packet))
