"""`traceparent`, as W3C Trace Context has it (section 3.2): by what a request says to which trace it belongs.
Pure."""

import re
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["TraceParent", "read_traceparent", "traceparent_in"]

_FIELDS = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_KNOWN, _FORBIDDEN = "00", "ff"
_SAMPLED = 1


class TraceParent(NamedTuple):
    """A span, and whether what follows from it is recorded."""

    trace_id: int
    span_id: int
    is_sampled: bool

    @property
    def text(self) -> str:
        return f"{_KNOWN}-{self.trace_id:032x}-{self.span_id:016x}-{int(self.is_sampled):02x}"


def read_traceparent(text: str) -> TraceParent | None:
    """None if it is none. Later versions may say more, of which nothing is taken."""
    found = _FIELDS.fullmatch(text)
    if found is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    if version == _FORBIDDEN or (version == _KNOWN and more is not None):
        return None
    parent = TraceParent(int(trace_id, 16), int(span_id, 16), bool(int(flags, 16) & _SAMPLED))
    return parent if parent.trace_id and parent.span_id else None


def traceparent_in(headers: Iterable[tuple[bytes, bytes]]) -> TraceParent | None:
    """That of a request; None if it has none, or more than one."""
    found = [value for name, value in headers if name == b"traceparent"]
    return read_traceparent(found[0].decode("latin-1").strip(" \t")) if len(found) == 1 else None
