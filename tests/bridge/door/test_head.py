"""The beginning of a head: what cannot become one that is taken in is refused before it has come whole."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.door.head import RequestError, require_readable
from bridge.door.limits import DoorLimits

LIMITS = DoorLimits()
BARE = re.compile(rb"(?<!\r)\n|\r[^\n]")


def refusal(content: bytes, begin: int = 0) -> int:
    try:
        require_readable(content, begin, LIMITS)
    except RequestError as error:
        return error.status
    return 0


@given(st.text("\r\na", max_size=12).map(str.encode), st.integers(0, 12))
def test_a_line_end_that_is_none_is_found_whatever_was_looked_at_before(content: bytes, begin: int) -> None:
    begin = min(begin, len(content))
    if not refusal(content[:begin]):
        assert refusal(content, begin) == (400 if BARE.search(content) else 0)


@pytest.mark.parametrize("end", [b"\n", b"\rx", b"\r\n"])
def test_nothing_is_looked_at_beyond_what_a_head_may_have(end: bytes) -> None:
    line = b"X: y\r\n"
    head = b"GET / HTTP/1.1\r\n" + line * (LIMITS.head_bytes // len(line))
    assert refusal(head + end * 100_000) == 431
