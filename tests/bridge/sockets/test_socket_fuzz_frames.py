"""Frames out of any bytes, into a door that listens: no crash, never an answer to what was not asked, and others that
are connected go on.

What is to be heard of the bytes is what the frame reader says of them, which another library is asked about in
`test_frame_reader.py`. What is in `frames/` is sent as it is, and with bytes changed.
"""

import asyncio
import itertools
import re
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame
from websockets.frames import Opcode as Kind
from websockets.protocol import OPEN
from websockets.uri import parse_uri

from bridge.sockets.transport.frame_reader import Opcode
from tests.bridge.sockets.transport.test_frame_reader import Read, frames, read_by_us
from tests.bridge.sockets.under_fire import FENCE, FENCE_ID, LIMIT_BYTES, Watched, fuzzed
from tests.system.soak.lines import HANDSHAKE
from tests.waiting import GIVE_UP_SECONDS

KEPT = {path.stem: path.read_bytes() for path in sorted(Path(__file__).with_name("frames").glob("*.frames"))}
MASK = b"\1\2\3\4"
CALL = re.compile(r"42(\d+)\[")
ASKED = re.compile(r'42(\d+)\["leave-ops-room"\]')


def frame(first: int, content: bytes) -> bytes:
    """One that a client sends."""
    length = bytes([0x80 | len(content)]) if len(content) < 126 else b"\xfe" + len(content).to_bytes(2, "big")
    return bytes([first]) + length + MASK + bytes(byte ^ MASK[place % 4] for place, byte in enumerate(content))


class Heard:
    """All that the server has said over one connection, of whole frames."""

    def __init__(self) -> None:
        self._protocol = ClientProtocol(parse_uri("ws://localhost"), state=OPEN, max_size=None)
        self.acknowledged: Counter[int] = Counter()
        self.pongs: list[bytes] = []
        self.closed: list[int] = []
        self.is_connected = False

    def take(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        assert self._protocol.parser_exc is None or self.closed
        for one in self._protocol.events_received():
            assert isinstance(one, Frame)
            assert not self.closed, "it goes on after it has said that it closes"
            self._note(one)

    def _note(self, one: Frame) -> None:
        content = bytes(one.data)
        if one.opcode is Kind.PONG:
            self.pongs.append(content)
        elif one.opcode is Kind.CLOSE:
            self.closed.append(int.from_bytes(content[:2], "big"))
        elif content.startswith(b"43"):
            self.acknowledged[int(content[2 : content.index(b"[")])] += 1
        elif content.startswith(b"40"):
            self.is_connected = True


async def send(watched: Watched, pieces: list[bytes]) -> None:
    """One client that says this, and goes."""
    said = read_by_us([*pieces, frame(0x81, FENCE.encode())], limit_bytes=LIMIT_BYTES)
    where, heard = urlsplit(watched.url), Heard()
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    try:
        async with asyncio.timeout(GIVE_UP_SECONDS):
            writer.write(HANDSHAKE)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
            writer.write(frame(0x81, watched.connect_packet.encode()))
            while not heard.is_connected:
                heard.take(await reader.read(65_536))
            for piece in (*pieces, frame(0x81, FENCE.encode())):
                if writer.is_closing():
                    break
                writer.write(piece)
                await asyncio.sleep(0)  # so that some of them come apart
            is_fenced = any(text == FENCE for _, text in said.heard)
            while not is_fenced or FENCE_ID not in heard.acknowledged:
                if not is_fenced and said.status is None and writer.can_write_eof():
                    writer.write_eof()  # what was sent is unfinished, and nothing is answered
                if not (data := await reader.read(65_536)):
                    break
                heard.take(data)
                if heard.closed:
                    break  # it would wait for an answer to that
    except (ConnectionResetError, BrokenPipeError):
        pass  # it was hung up on with some of it unread
    finally:
        writer.close()
    judge(said, heard)
    await watched.back_to_before()


def judge(said: Read, heard: Heard) -> None:
    closing = next((place for place, (opcode, _) in enumerate(said.heard) if opcode == Opcode.CLOSE), None)
    counted = said.heard[:closing]
    asked = [found for opcode, text in counted if opcode == Opcode.TEXT and (found := ASKED.fullmatch(str(text)))]
    calls = [found for opcode, text in counted if opcode == Opcode.TEXT and (found := CALL.match(str(text)))]
    assert heard.acknowledged <= Counter(int(one[1]) for one in calls)
    pings = [content for opcode, content in counted if opcode == Opcode.PING]
    assert heard.pongs == pings[: len(heard.pongs)]
    messages = [one for one in counted if one[0] in (Opcode.TEXT, Opcode.BINARY)]
    if len(messages) > len(asked):
        return  # some message is no packet, for which it may be closed at any moment
    if said.status is None and closing is None and any(text == FENCE for _, text in messages):
        assert heard.acknowledged == Counter(int(one[1]) for one in asked)
    if said.status is not None and closing is None and heard.closed:
        assert heard.closed == [said.status]


@given(st.data())
@fuzzed
async def test_any_frames_are_answered_for_what_they_ask_or_closed_and_harm_nobody_else(
    watched: Watched, data: st.DataObject
) -> None:
    asking = st.integers(1, 9).map(lambda number: frame(0x81, f'42{number}["leave-ops-room"]'.encode()))
    kept = st.sampled_from([*KEPT.values()])
    content = bytearray(b"".join(data.draw(st.lists(asking | frames() | kept | st.binary(max_size=20), max_size=6))))
    if content:
        for place, byte in data.draw(
            st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)), max_size=2)
        ):
            content[place] = byte
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=4)))
    await send(watched, [bytes(content[begin:end]) for begin, end in itertools.pairwise([0, *cuts, len(content)])])


async def test_frames_that_are_kept_are_answered_so_too_whole_and_byte_by_byte(watched: Watched) -> None:
    assert len(KEPT) > 20
    for content in KEPT.values():
        await send(watched, [content])
        await send(watched, [bytes([byte]) for byte in content])
