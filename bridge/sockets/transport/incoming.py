"""What comes in from clients, on both levels: the packets of Engine.IO, and the packets of Socket.IO inside them.

It decides, without I/O of its own, what is one. Whoever sends anything else is to be cut off, as the reference server
does; it must never be passed over in silence, because somebody may wait for its acknowledgement.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from engineio.packet import CLOSE, MESSAGE, NOOP, PING, PONG, UPGRADE
from engineio.packet import Packet as EnginePacket
from engineio.payload import Payload
from socketio.packet import ACK, BINARY_ACK, BINARY_EVENT, CONNECT, DISCONNECT, EVENT

from bridge.sockets.errors import PacketError
from coordinator.json_text import has_more_parts

__all__ = [
    "ACKNOWLEDGEMENTS",
    "EVENTS",
    "NAMESPACE_LIMIT",
    "PACKET_PARTS_LIMIT",
    "Message",
    "PacketReader",
    "Receive",
    "Send",
    "body_of",
    "declared_bytes",
    "is_payload",
    "packet_of",
    "received",
]

# A stock client that polls sends all it has in one body; the library's own limit of 16 dropped the whole body.
PACKETS_LIMIT_PER_BODY = 1_000
Payload.max_decode_packets = PACKETS_LIMIT_PER_BODY

# That of the reference server. No event of the catalogue has any.
ATTACHMENTS_LIMIT = 10

# Characters. Longer ones nobody has made, and they are not sent back.
NAMESPACE_LIMIT = 100

# Names, values, objects and lists. The longest that clients send is a list of two hundred ids.
PACKET_PARTS_LIMIT = 1_000

# Of all packets together whose attachments have not come yet: as objects they take twenty times as much.
INCOMPLETE_LIMIT_BYTES = 2_000_000

# What the engine passes over without harm, or obeys. On the body of a POST it would wait for ever after the rest.
OVER_WEBSOCKET = {CLOSE, PING, PONG, MESSAGE, UPGRADE, NOOP}
OVER_POLLING = {CLOSE, PONG, MESSAGE}

EVENTS = {EVENT, BINARY_EVENT}
ACKNOWLEDGEMENTS = {ACK, BINARY_ACK}

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def packet_of(content: str | bytes) -> Any | None:
    """The packet in a message of a WebSocket; None if it is none, or one that clients do not send."""
    try:
        packet = EnginePacket(encoded_packet=content)
    except Exception:  # whatever the library raises, it cannot read the message
        return None
    return packet if _is_sound(packet, OVER_WEBSOCKET) else None


def is_payload(body: bytes) -> bool:
    """Whether the body of a POST holds packets that a client may send there, and nothing else."""
    try:
        packets = Payload(encoded_payload=body.decode()).packets
    except Exception:  # whatever the library raises, it cannot read the body
        return False
    return all(_is_sound(packet, OVER_POLLING) for packet in packets)


def _is_sound(packet: Any, types: set[int]) -> bool:
    if packet.packet_type == MESSAGE:
        # A packet of Socket.IO begins with a digit, so the engine leaves it unread; what it could read is none.
        return packet.binary or (isinstance(packet.data, str) and packet.data != "")
    return packet.packet_type in types


async def received(receive: Receive) -> str | bytes | None:
    """What comes next over a WebSocket; None when it is gone."""
    message = await receive()
    if message["type"] != "websocket.receive":
        return None
    text: str | bytes | None = message.get("text")
    return message.get("bytes") if text is None else text


def declared_bytes(scope: Message) -> int:
    """How long a request says that its body is; 0 if it does not."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


async def body_of(receive: Receive, limit_bytes: int) -> bytes | None:
    """A request's body, no more of it than shows that it is too large; None if the client has gone before the end of
    it."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if not message.get("more_body") or len(body) > limit_bytes:
            return bytes(body)


class PacketReader:
    """Makes Socket.IO packets of the messages of each connection, those with attachments of several."""

    def __init__(self, packet_class: Any, *, limit_bytes: int) -> None:
        """`limit_bytes` is the most that the attachments of one packet have together."""
        self._packet_class = packet_class
        self._limit_bytes = limit_bytes
        self._incomplete: dict[str, tuple[Any, int]] = {}
        """By connection, the packet whose attachments are still to come, and what came of it so far, in bytes."""
        self._incomplete_bytes = 0

    def read(self, eio_sid: str, message: str | bytes) -> Any | None:
        """The packet that a message completes, or None if attachments are still to come. Raises PacketError."""
        packet, came_bytes = self._take(eio_sid)
        if packet is not None:
            is_complete = self._attach(packet, message)
        else:
            packet = self._begin(message)
            is_complete = packet.attachment_count == 0
        if not is_complete:
            self._buffer(eio_sid, packet, came_bytes + len(message))
            return None
        _require_sound(packet)
        return packet

    def forget(self, eio_sid: str) -> None:
        """A connection is gone."""
        self._take(eio_sid)

    def _take(self, eio_sid: str) -> tuple[Any | None, int]:
        packet, came_bytes = self._incomplete.pop(eio_sid, (None, 0))
        self._incomplete_bytes -= came_bytes
        return packet, came_bytes

    def _buffer(self, eio_sid: str, packet: Any, came_bytes: int) -> None:
        if self._incomplete_bytes + came_bytes > INCOMPLETE_LIMIT_BYTES:
            raise PacketError("too much that waits for its attachments, of all clients together")
        self._incomplete[eio_sid] = packet, came_bytes
        self._incomplete_bytes += came_bytes

    def _begin(self, message: str | bytes) -> Any:
        if not isinstance(message, str):
            raise PacketError("an attachment that no packet announced")
        if has_more_parts(message, PACKET_PARTS_LIMIT):
            raise PacketError(f"a packet of more than {PACKET_PARTS_LIMIT} values")
        try:
            packet = self._packet_class(encoded_packet=message)
        except Exception:  # whatever the library raises, it cannot read the packet
            raise PacketError("what is no packet") from None
        if packet.packet_type not in {CONNECT, DISCONNECT, *EVENTS, *ACKNOWLEDGEMENTS}:
            raise PacketError("a packet of a type that clients do not send")
        if packet.packet_type not in {BINARY_EVENT, BINARY_ACK}:
            packet.attachment_count = 0
        if packet.attachment_count > ATTACHMENTS_LIMIT:
            raise PacketError(f"a packet with more than {ATTACHMENTS_LIMIT} attachments")
        return packet

    def _attach(self, packet: Any, message: str | bytes) -> bool:
        if not isinstance(message, bytes):
            raise PacketError("something else before the attachments that a packet announced")
        if sum(map(len, packet.attachments)) + len(message) > self._limit_bytes:
            raise PacketError(f"attachments of more than {self._limit_bytes} bytes together")
        try:
            return bool(packet.add_attachment(message))
        except Exception:  # whatever the library raises, the attachments have no place
            raise PacketError("attachments that do not fit their packet") from None


def _require_sound(packet: Any) -> None:
    content = packet.data
    if packet.packet_type == CONNECT and not (content is None or isinstance(content, dict)):
        raise PacketError("what it connects with, which is no object")
    if packet.packet_type == DISCONNECT and content is not None:
        raise PacketError("a goodbye with more than that")
    if packet.packet_type in EVENTS and not (isinstance(content, list) and content and isinstance(content[0], str)):
        raise PacketError("an event without a name")
    if packet.packet_type in ACKNOWLEDGEMENTS and not (isinstance(content, list) and packet.id is not None):
        raise PacketError("an acknowledgement of nothing")
