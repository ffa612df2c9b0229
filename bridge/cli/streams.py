"""Streams that outlive a full disk: what a bridge says and cannot be written is dropped and counted, and ends
nothing."""

import io
import sys
from typing import TextIO

from prometheus_client import Counter

__all__ = ["drop_what_cannot_be_written"]

DROPPED = Counter("bridge_log_lines_dropped", "Lines that could not be written where the bridge logs")


class DroppingStream(io.TextIOWrapper):
    """A stream without a buffer, in which nothing waits that could not be written."""

    _dropped = 0

    def write(self, text: str) -> int:
        try:
            if self._dropped:
                super().write(f"(could not be written here: {self._dropped} lines)\n")
                self._dropped = 0
            return super().write(text)
        except OSError:
            self._dropped += 1
            DROPPED.inc()
            return len(text)

    def flush(self) -> None:
        """Nothing waits."""


def drop_what_cannot_be_written() -> None:
    """From now on nothing that is said can fail."""
    sys.stdout, sys.stderr = _dropping(sys.stdout), _dropping(sys.stderr)


def _dropping(stream: TextIO) -> TextIO:
    try:
        stream.flush()
        raw = io.FileIO(stream.fileno(), "w", closefd=False)
    except (OSError, AttributeError, ValueError):
        return stream  # it is none of the system's
    return DroppingStream(raw, encoding=stream.encoding, errors=stream.errors, write_through=True)
