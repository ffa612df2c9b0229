"""The clients of a benchmark that come back: they read frames however they are cut, and count what they hear."""

from typing import Any

import pytest

from benchmarks.visitors import Visit, Visitor


class Transport:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)


def frame(text: str) -> bytes:
    content = text.encode()
    length = bytes((len(content),)) if len(content) < 126 else b"\x7e" + len(content).to_bytes(2, "big")
    return b"\x81" + length + content


def event(number: int) -> str:
    return f'42["purchase-request-update",{{"type":"{number}","requestId":"news"}},"{number}{"o" * 120}"]'


@pytest.mark.parametrize("at_once", [1, 7, 1_000])
async def test_a_visitor_hears_each_event_however_its_frames_are_cut(at_once: int) -> None:
    visitor, transport = Visitor(answer_seconds=1.0), Transport()
    visit: Any = Visit(visitor)
    visit.connection_made(transport)
    texts = ['0{"sid":"e"}', '40{"sid":"s","pid":"p"}', event(0), "2", event(1)]
    data = b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + b"".join(map(frame, texts))
    for begin in range(0, len(data), at_once):
        visit.data_received(data[begin : begin + at_once])
    assert visit.connected.done()
    assert visitor.numbers == [0, 1]
    assert visitor.auth == {"pid": "p", "offset": "1" + "o" * 120}
    assert [written[6:] for written in transport.written[1:]] == [b"40", b"3"]


async def test_a_visitor_is_recovered_where_its_session_is_the_one_that_it_had() -> None:
    visitor = Visitor(answer_seconds=1.0)
    visitor.connected("first", "p1")
    assert not visitor.is_recovered
    visitor.connected("first", "p1")
    assert visitor.is_recovered
    visitor.connected("another", "p2")
    assert not visitor.is_recovered
