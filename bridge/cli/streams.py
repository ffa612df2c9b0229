"""Streams that outlive a full disk and a pipe that nobody reads: what a bridge says and cannot be written is dropped
and counted, and neither ends nor stops anything."""

import io
import logging
import select
import sys
import time
from typing import TextIO

from prometheus_client import Counter

from bridge.cli.console import as_said

__all__ = ["drop_what_cannot_be_written"]

DROPPED = Counter("bridge_log_lines_dropped", "Lines that could not be written where the bridge logs")

# A pipe that is said to have room has it for so many bytes (select.PIPE_BUF), and a character takes up to four.
PIECE_CHARACTERS = select.PIPE_BUF // 4
# A reader who is only slow comes to read while somebody waits. The bridge stands still meanwhile, so not often.
PATIENCE_MS, PATIENT_EVERY_SECONDS = 50, 1.0


class DroppingStream(io.TextIOWrapper):
    """A stream without a buffer, in which nothing waits that could not be written, and which waits for nobody."""

    _dropped = 0
    _is_broken_off = False
    """Whether only the beginning of a line could be written."""
    _waited_at = -PATIENT_EVERY_SECONDS
    _room: "select.poll | None" = None

    def write(self, text: str) -> int:
        if not text:
            return super().write(text)  # by which is found out that it takes no bytes
        try:
            if self._dropped:
                begun = "\n" if self._is_broken_off else ""
                said = as_said(logging.WARNING, f"(could not be written here: {self._dropped} lines)")
                self._put(f"{begun}{said}\n")
                self._dropped, self._is_broken_off = 0, False
            self._put(text)
        except OSError:
            self._dropped += 1
            DROPPED.inc()
        return len(text)

    def _put(self, text: str) -> None:
        for begin in range(0, len(text), PIECE_CHARACTERS):
            self._require_room()
            super().write(text[begin : begin + PIECE_CHARACTERS])
            self._is_broken_off = begin + PIECE_CHARACTERS < len(text)

    def _require_room(self) -> None:
        """Raises BlockingIOError if a write would wait for somebody to read."""
        room = self._room
        if room is None:
            room = self._room = select.poll()
            room.register(self.fileno(), select.POLLOUT)
        if room.poll(0):
            return
        now = time.monotonic()
        if now - self._waited_at >= PATIENT_EVERY_SECONDS:
            self._waited_at = now
            if room.poll(PATIENCE_MS):
                return
        raise BlockingIOError("nobody reads")

    def flush(self) -> None:
        """Nothing waits."""


def drop_what_cannot_be_written() -> None:
    """From now on nothing that is said can fail, or take long."""
    sys.stdout, sys.stderr = _dropping(sys.stdout), _dropping(sys.stderr)


def _dropping(stream: TextIO) -> TextIO:
    try:
        stream.flush()
        raw = io.FileIO(stream.fileno(), "w", closefd=False)
    except (OSError, AttributeError, ValueError):
        return stream  # it is none of the system's
    return DroppingStream(raw, encoding=stream.encoding, errors=stream.errors, write_through=True)
