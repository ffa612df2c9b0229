"""A watched file: what it says, read again whenever it changes, and nothing at all once it has been gone for a while.

What is taken out of a file is void at once. A file that is missing, or cannot be read, may be one that is just being
replaced: what it said before counts until a second look, some seconds later, and no longer, so that whoever deletes a
file of keys has taken them back.
"""

import hashlib
import logging
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from bridge.access.errors import KeysError, NoKeyServesError
from coordinator.errors import BridgeError

__all__ = ["GRACE_SECONDS", "WatchedFile"]

logger = logging.getLogger("bridge.access")

T = TypeVar("T")

# How long a file may be gone before what it said is void. Whoever replaces it needs milliseconds.
GRACE_SECONDS = 5.0
# What shows no change by its time, size and number is read all the same: a clock may have been set back meanwhile.
READ_ANYWAY_SECONDS = 30.0
# Nobody has more keys than go into that.
LIMIT_BYTES = 1_000_000


class WatchedFile(Generic[T]):
    """What one file says at the moment."""

    def __init__(
        self,
        path: Path,
        read: Callable[[bytes], T],
        *,
        nothing: T,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`read` raises BridgeError for a content that makes no sense, and so does this, for what there is at the
        beginning; `nothing` is what a file says that is gone."""
        self.path = path
        self._read = read
        self._nothing = nothing
        self._clock = clock
        self._failed_at: float | None = None
        self.trouble: str | None = None
        """Why it cannot be read, or holds nothing that serves; None if it can, and does."""
        self._identity = self._identify()
        content = self._content()
        self._digest = hashlib.sha256(content).digest()
        self._value = read(content)
        self._read_at = clock()

    @property
    def is_void(self) -> bool:
        """Whether it has been gone for so long that what it said does not count any more."""
        return self._failed_at is not None and self._clock() >= self._failed_at + GRACE_SECONDS

    def value(self) -> T:
        """What it says now."""
        now = self._clock()
        try:
            identity = self._identify()
            if (
                identity != self._identity
                or self._failed_at is not None
                or now >= self._read_at + READ_ANYWAY_SECONDS
            ):
                self._take(self._content(), now)
                self._identity = identity
        except BridgeError as error:
            self._fail(str(error), now)
        return self._value

    def _take(self, content: bytes, now: float) -> None:
        digest = hashlib.sha256(content).digest()
        if digest != self._digest or self._failed_at is not None:
            self._value, self.trouble = self._read_anew(content)
            logger.info("read %s anew", self.path)
        self._digest, self._read_at, self._failed_at = digest, now, None

    def _read_anew(self, content: bytes) -> tuple[T, str | None]:
        """What it says now, and what is wrong with that."""
        try:
            return self._read(content), None
        except NoKeyServesError as error:
            logger.error("%s", error)
            return self._nothing, str(error)

    def _fail(self, trouble: str, now: float) -> None:
        if self._failed_at is None:
            self._failed_at = now
        if trouble != self.trouble:
            logger.error("%s; what it said before counts for %g s more, and nothing then", trouble, GRACE_SECONDS)
            self.trouble = trouble
        if self.is_void and self._value is not self._nothing:
            logger.error("%s; what it said before does not count any more", trouble)
            self._value = self._nothing

    def _identify(self) -> tuple[int, ...]:
        try:
            found = self.path.stat()
        except OSError as error:
            raise self._unreadable(error) from None
        if not stat.S_ISREG(found.st_mode):
            raise self._no_file()
        return found.st_mtime_ns, found.st_size, found.st_ino, found.st_dev

    def _content(self) -> bytes:
        try:
            with open(self.path, "rb", opener=_without_waiting) as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise self._no_file()
                content = file.read(LIMIT_BYTES + 1)
        except OSError as error:
            raise self._unreadable(error) from None
        if len(content) > LIMIT_BYTES:
            raise KeysError(f"{self.path} has more than {LIMIT_BYTES} bytes")
        return content

    def _no_file(self) -> KeysError:
        return KeysError(f"cannot read {self.path}: it is no regular file; put one there, or a link to one")

    def _unreadable(self, error: OSError) -> KeysError:
        return KeysError(f"cannot read {self.path}: {os.strerror(error.errno or 0)}")


def _without_waiting(path: str, flags: int) -> int:
    """Opens also what took the place of a regular file just now, such as a pipe that nobody writes to."""
    return os.open(path, flags | os.O_NONBLOCK)
