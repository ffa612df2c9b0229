"""traceparent is read as W3C Trace Context says, and what is none is passed over."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.traces.traceparent import TraceParent, read_traceparent, traceparent_in

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("text", "is_sampled"),
    [
        (f"00-{TRACE}-{SPAN}-01", True),
        (f"00-{TRACE}-{SPAN}-00", False),
        (f"00-{TRACE}-{SPAN}-03", True),
        (f"cc-{TRACE}-{SPAN}-01", True),
        (f"cc-{TRACE}-{SPAN}-00-what-will-be", False),
    ],
)
def test_what_a_request_says_is_taken(text: str, is_sampled: bool) -> None:
    read = read_traceparent(text)
    assert read is not None
    assert read.text == f"00-{TRACE}-{SPAN}-0{int(is_sampled)}"


MALFORMED = [
    "",
    "00",
    f"00-{TRACE}-{SPAN}",
    f"00-{TRACE}-{SPAN}-1",
    f"00-{TRACE}-{SPAN}-01-more",
    f"00-{TRACE}-{SPAN}-01-",
    f"cc-{TRACE}-{SPAN}-01.more",
    f"ff-{TRACE}-{SPAN}-01",
    f"0-{TRACE}-{SPAN}-01",
    f"00-{TRACE.upper()}-{SPAN}-01",
    f"00-{TRACE[1:]}-{SPAN}-01",
    f"00-{'0' * 32}-{SPAN}-01",
    f"00-{TRACE}-{'0' * 16}-01",
    f"00-{TRACE}-{SPAN}-0x",
    f"00_{TRACE}_{SPAN}_01",
    f"00-{TRACE}-{SPAN}-01\n",
]


@pytest.mark.parametrize("text", MALFORMED)
def test_what_is_malformed_is_none(text: str) -> None:
    assert read_traceparent(text) is None


@given(st.text())
def test_any_text_is_one_or_none(text: str) -> None:
    assert read_traceparent(text) is None


@given(st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1), st.booleans())
def test_what_is_written_is_read(trace_id: int, span_id: int, is_sampled: bool) -> None:
    parent = TraceParent(trace_id, span_id, is_sampled)
    assert len(parent.text) == 55
    assert read_traceparent(parent.text) == parent


def test_of_two_in_one_request_none_is_taken() -> None:
    one = (b"traceparent", f" 00-{TRACE}-{SPAN}-01\t".encode())
    assert traceparent_in([(b"host", b"x"), one]) == TraceParent(int(TRACE, 16), int(SPAN, 16), True)
    assert traceparent_in([one, one]) is None
    assert traceparent_in([(b"traceparent", b"\xff")]) is None
    assert traceparent_in([]) is None
