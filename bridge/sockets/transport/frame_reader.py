"""What a client sends over a WebSocket, read from its bytes (RFC 6455, sections 5 and 7.4). No I/O.

Clients send masked frames and, with no extension agreed upon, no reserved bits.
"""

from collections.abc import Iterator
from enum import IntEnum

__all__ = ["FrameReader", "Opcode", "ReceivedFrame", "WebSocketError"]


class Opcode(IntEnum):
    """What a frame is."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


ReceivedFrame = tuple[Opcode, str | bytes | int]
"""A whole message: its text, its bytes, or with CLOSE the status that the client gives."""

OPCODES = {int(opcode): opcode for opcode in Opcode}
# The first byte of a frame from these on ends its message; the second, is of a masked one.
FINAL = MASKED = 0x80
SHORTEST, MASK = 2, 4
# By the length that stands in the second byte, in how many further bytes the real one stands.
EXTENSIONS = {126: 2, 127: 8}
CONTROL_LIMIT = 125
# Statuses of section 7.4, and what IANA has registered since; from 3000 on they are anybody's.
STATUSES = {*range(1000, 1004), *range(1007, 1015)}
OWN_STATUSES = range(3000, 5000)
NO_STATUS = 1005
PROTOCOL_ERROR, NO_TEXT, TOO_LARGE = 1002, 1007, 1009


class WebSocketError(Exception):
    """The client broke the protocol. `status` is what the connection is to be closed with."""

    def __init__(self, status: int, fault: str) -> None:
        super().__init__(fault)
        self.status = status


class FrameReader:
    """Makes whole messages of bytes that come in pieces of any size."""

    __slots__ = ("_needed_bytes", "_parts", "_parts_opcode", "_unread", "frame_bytes", "limit_bytes")

    def __init__(self, *, limit_bytes: int) -> None:
        """`limit_bytes` is the most that one message has."""
        self.limit_bytes = limit_bytes
        self.frame_bytes = 0
        """What the frame that was read last holds."""
        self._unread: bytearray | None = None
        """The beginning of a frame."""
        self._needed_bytes = 0
        """How much there has to be before there is more to say of it."""
        self._parts: bytearray | None = None
        """Of a message in several frames, what has come: in one piece, or thousands of small ones would be large."""
        self._parts_opcode = Opcode.TEXT

    @property
    def held_bytes(self) -> int:
        """What has come of a frame, and of a message, that is not whole."""
        return len(self._unread or b"") + len(self._parts or b"")

    def feed(self, data: bytes) -> Iterator[ReceivedFrame | None]:
        """For each frame that these bytes complete, the message that it completes, or None; to be taken to the end
        before more is fed. Raises WebSocketError in the place of the first that is none; after that nothing may be
        fed."""
        if self._unread is not None:
            self._unread += data
            if len(self._unread) < self._needed_bytes:
                return
            data = bytes(self._unread)
        position, end, needed = 0, len(data), SHORTEST
        while end - position >= SHORTEST:
            first, second = data[position], data[position + 1]
            start = position + 2 + EXTENSIONS.get(second & 0x7F, 0)
            needed = start - position
            if end < start:
                break
            length = second & 0x7F if start == position + 2 else int.from_bytes(data[position + 2 : start], "big")
            opcode = self._sound(first, second, length)
            start += MASK
            needed = start + length - position
            if end < start + length:
                break
            position, needed, self.frame_bytes = start + length, SHORTEST, length
            yield self._whole(opcode, _unmasked(data[start:position], data[start - MASK : start]), first >= FINAL)
        self._unread = bytearray(data[position:]) if position < end else None
        self._needed_bytes = needed

    def _sound(self, first: int, second: int, length: int) -> Opcode:
        """What kind of frame begins with these two bytes; raises WebSocketError if none may, here and now."""
        opcode, is_final = OPCODES.get(first & 0x7F), first >= FINAL
        if opcode is None:
            raise WebSocketError(PROTOCOL_ERROR, "a frame with reserved bits or of no known kind")
        if second < MASKED:
            raise WebSocketError(PROTOCOL_ERROR, "a frame that is not masked")
        if opcode >= Opcode.CLOSE:
            if length > CONTROL_LIMIT or not is_final:
                raise WebSocketError(PROTOCOL_ERROR, "a control frame that is long or in parts")
        elif (opcode == Opcode.CONTINUATION) != (self._parts is not None):
            raise WebSocketError(PROTOCOL_ERROR, "a part of a message out of its place")
        elif length + len(self._parts or b"") > self.limit_bytes:
            raise WebSocketError(TOO_LARGE, f"a message of more than {self.limit_bytes} bytes")
        return opcode

    def _whole(self, opcode: Opcode, payload: bytes, is_final: bool) -> ReceivedFrame | None:
        """The message that a frame completes, if it does."""
        if opcode >= Opcode.CLOSE:
            return opcode, _status(payload) if opcode == Opcode.CLOSE else payload
        if is_final and opcode:
            return opcode, _content(opcode, payload)
        if self._parts is None:
            self._parts, self._parts_opcode = bytearray(), opcode
        self._parts += payload
        if not is_final:
            return None
        content, self._parts = bytes(self._parts), None
        return self._parts_opcode, _content(self._parts_opcode, content)


def _unmasked(payload: bytes, mask: bytes) -> bytes:
    if mask == b"\0\0\0\0":
        return payload
    length = len(payload)
    whole_mask = (mask * (length // 4 + 1))[:length]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(whole_mask, "big")).to_bytes(length, "big")


def _content(opcode: Opcode, payload: bytes) -> str | bytes:
    return _text(payload) if opcode == Opcode.TEXT else payload


def _text(payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise WebSocketError(NO_TEXT, "text that is not UTF-8") from None


def _status(payload: bytes) -> int:
    if not payload:
        return NO_STATUS
    status = int.from_bytes(payload[:2], "big")
    if len(payload) > 1:
        _text(payload[2:])  # the reason, which nobody asks for
    if len(payload) == 1 or (status not in STATUSES and status not in OWN_STATUSES):
        raise WebSocketError(PROTOCOL_ERROR, "a status that clients do not send")
    return status
