"""Frames read as another library reads them, whatever they hold and however they are cut."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame
from websockets.frames import Opcode as Kind
from websockets.protocol import OPEN
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from bridge.sockets.transport.frame_reader import FrameReader, Opcode, ReceivedFrame, WebSocketError
from bridge.sockets.transport.frames import frame_of

LIMIT_BYTES = 300


@dataclass
class Read:
    """What somebody makes of some bytes: messages, and the status of the fault that ends them."""

    heard: list[ReceivedFrame]
    status: int | None = None


def read_by_us(pieces: list[bytes], *, limit_bytes: int = LIMIT_BYTES) -> Read:
    reader, read = FrameReader(limit_bytes=limit_bytes), Read([])
    try:
        for piece in pieces:
            for message in reader.feed(piece):
                if message is not None:
                    read.heard.append(message)
    except WebSocketError as error:
        read.status = error.status
    return read


def read_by_the_library(data: bytes) -> Read:
    """Its protocol gives frames; what messages they make is put together here, and held to the limit, which the
    library counts control frames against."""
    protocol = ServerProtocol(state=OPEN, max_size=None)
    protocol.receive_data(data)
    read, parts = Read([]), b""
    kind = Opcode.TEXT
    for event in protocol.events_received():
        assert isinstance(event, Frame)
        content = bytes(event.data)
        if event.opcode is Kind.CLOSE:
            status = int.from_bytes(content[:2], "big") if content else 1005
            read.heard.append((Opcode.CLOSE, status))
            return read
        if event.opcode in (Kind.PING, Kind.PONG):
            read.heard.append((Opcode(event.opcode), content))
            continue
        if event.opcode is not Kind.CONT:
            parts, kind = b"", Opcode(event.opcode)
        parts += content
        if len(parts) > LIMIT_BYTES:
            read.status = 1009
            return read
        if event.fin:
            try:
                read.heard.append((kind, parts.decode() if kind == Opcode.TEXT else parts))
            except UnicodeDecodeError:
                read.status = 1007
                return read
    fault = protocol.parser_exc
    if (
        str(fault) == "incomplete fragmented message"
    ):  # it is stricter than section 5.4, which lets one close anywhere
        read.heard.append((Opcode.CLOSE, "some status"))
    elif fault is not None and protocol.close_sent is not None:
        read.status = protocol.close_sent.code
    return read


opcodes = st.sampled_from([0, 1, 1, 2, 2, 3, 7, 8, 9, 10, 11, 15])
contents = st.one_of(
    st.binary(max_size=150),
    st.text(max_size=60).map(str.encode),
    st.sampled_from([b"", b"\x03", b"\x03\xe8", b"\x03\xedx", b"\x0b\xb8\xff", b"x" * 130, b"x" * 250]),
)
masks = st.one_of(st.just(b"\0\0\0\0"), st.binary(min_size=4, max_size=4))


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    """One frame, now and then one that nobody may send."""
    first = draw(opcodes) | draw(st.sampled_from([0x80, 0x80, 0x80, 0x00, 0xC0]))
    content = draw(contents)
    length = len(content)
    is_masked = draw(st.integers(0, 20)) > 0
    head = bytes((first, (0x80 if is_masked else 0) | min(126, length)))
    if length >= 126:
        head += length.to_bytes(2, "big")
    if not is_masked:
        return head + content
    mask = draw(masks)
    return head + mask + bytes(byte ^ mask[place % 4] for place, byte in enumerate(content))


@given(st.lists(frames(), max_size=8).map(b"".join), st.data())
def test_frames_are_read_as_the_library_reads_them(data: bytes, cuts: st.DataObject) -> None:
    places = sorted(cuts.draw(st.lists(st.integers(0, len(data)), max_size=6)))
    pieces = [data[begin:end] for begin, end in zip([0, *places], [*places, len(data)], strict=True)]
    ours, theirs = read_by_us(pieces), read_by_the_library(data)
    closing = next((number for number, (opcode, _) in enumerate(ours.heard) if opcode == Opcode.CLOSE), None)
    if closing is not None:  # whoever has said that it closes is not listened to any more
        ours = Read(ours.heard[: closing + 1])
        if theirs.heard and theirs.heard[-1] == (Opcode.CLOSE, "some status"):
            theirs.heard[-1] = ours.heard[-1]
    assert ours == theirs


@given(st.one_of(st.text(max_size=400), st.binary(max_size=400)))
def test_what_servers_write_is_read_by_the_library(content: str | bytes) -> None:
    protocol = ClientProtocol(parse_uri("ws://localhost"), state=OPEN)
    protocol.receive_data(frame_of(content))
    [frame] = protocol.events_received()
    assert isinstance(frame, Frame)
    assert (bytes(frame.data).decode() if isinstance(content, str) else frame.data) == content
    assert (frame.opcode is Kind.TEXT) is isinstance(content, str)


@pytest.mark.parametrize("length", [125, 126, 65_535, 65_536, 200_000])
def test_lengths_of_all_sizes_come_in_pieces_of_one_byte(length: int) -> None:
    content = b"x" * length
    data = Frame(Kind.BINARY, content).serialize(mask=True)
    reader = FrameReader(limit_bytes=200_000)
    heard = [message for byte in data for message in reader.feed(bytes((byte,)))]
    assert heard == [(Opcode.BINARY, content)]
