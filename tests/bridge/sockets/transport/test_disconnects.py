"""The table of reasons for which connections are closed: it is whole, the page has it, and clients are told."""

import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from bridge.sockets import create_socket_server
from bridge.sockets.transport.disconnects import FIRST_OF_OUR_OWN, Disconnect
from bridge.sockets.transport.frame_reader import NO_TEXT, PROTOCOL_ERROR, TOO_LARGE

ROOT = Path(__file__).parents[4]
SOCKETS = ROOT / "bridge" / "sockets"
REASON_LIMIT_BYTES = 123  # of a control frame, without the code

Serve = Callable[..., Awaitable[str]]
Dial = Callable[..., Awaitable[ClientConnection]]


def lines_but_of(*names: str) -> list[str]:
    paths = [path for path in SOCKETS.rglob("*.py") if path.name not in names]
    return [line for path in paths for line in path.read_text(encoding="utf-8").splitlines()]


def test_each_has_a_code_and_a_word_of_its_own_that_fit_their_frame() -> None:
    assert len({one.code for one in Disconnect}) == len({one.reason for one in Disconnect}) == len(Disconnect)
    for one in Disconnect:
        assert one.code in (1002, 1007, 1009, 1011, 1012) or FIRST_OF_OUR_OWN <= one.code < 5000
        assert len(one.reason.encode()) <= REASON_LIMIT_BYTES


def test_each_is_named_where_a_connection_is_closed() -> None:
    named = {name for line in lines_but_of("disconnects.py") for name in re.findall(r"\bDisconnect\.([A-Z_]+)", line)}
    by_code = {PROTOCOL_ERROR, NO_TEXT, TOO_LARGE}  # which what reads frames says
    assert named | {one.name for one in Disconnect if one.code in by_code} == {one.name for one in Disconnect}


def test_no_connection_is_closed_without_one() -> None:
    """What closes one takes a reason, which the types say; and nothing else closes it."""
    closes_itself = re.compile(r"transport\.(abort|close)\(|\.close\(reason=|Event\.LEFT")
    allowed = ("connection.py", "web_socket_protocol.py", "writer.py", "states.py")
    assert [line for line in lines_but_of(*allowed) if closes_itself.search(line)] == []


def test_nobody_but_the_writer_writes_to_the_socket_of_a_client() -> None:
    allowed = (
        "writer.py",
        "web_socket_protocol.py",
        "direct_writes.py",
    )  # before it is taken over, and for the writer
    # To many at once, by what their writers lend for that.
    assert sorted(line for line in lines_but_of(*allowed) if re.search(r"transport\.write\(|write_frames", line)) == [
        "                write_frames([connection.direct], outbox.frames)",
        "            write_frames(sends, self._run.frames)",
        "            writer.write_frames(run.frames)",
        "        write_frames(self.direct.values(), frames)",
        "from bridge.sockets.transport.direct_writes import Send, write_frames",
        "from bridge.sockets.transport.direct_writes import Send, write_frames, writer_of",
        "from bridge.sockets.transport.direct_writes import write_frames",
    ]


def test_the_page_has_the_table() -> None:
    page = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| (\d{4}) \| `([^`]*)` \| (yes|no)\b", page, re.MULTILINE)
    expected = [(str(one.code), one.reason, "yes" if one.comes_back else "no") for one in Disconnect]
    assert told == expected


@pytest.mark.parametrize("sent", ["x", "4x", b"attachment of nothing"])
async def test_who_is_cut_off_is_told_why_in_the_last_frame(serve: Serve, dial: Dial, sent: str | bytes) -> None:
    websocket = await dial(await serve(create_socket_server(frontend_url="https://shop.example")))
    await websocket.send(sent)
    with pytest.raises(ConnectionClosed) as closed:
        await websocket.recv()
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4501, "no packet")
