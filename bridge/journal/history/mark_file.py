"""The journal's mark: a small file outside of the database that says how far the journal was.

A backup that is copied over the journal, or a snapshot of its disk that is taken back, brings everything back that
the database says of itself, but not this. It is written now and then from what is committed, so it may lag, but is
never ahead; and nothing depends on it: where it cannot be written, that is said, and the bridge goes on.
"""

import json
import logging
import os
from pathlib import Path

from pydantic import ValidationError
from sqlalchemy import URL

from bridge.journal.database.owners import give_to_owner_of
from coordinator.histories import Mark

__all__ = ["MarkFile", "MarkUnreadableError", "default_mark_file"]

logger = logging.getLogger("bridge.journal")


class MarkUnreadableError(Exception):
    """There is a mark, and it cannot be read."""


def default_mark_file(url: URL) -> Path:
    """Where a journal's mark is unless a setting says otherwise: beside an SQLite file; of a PostgreSQL in `var`."""
    if url.get_backend_name() == "sqlite":
        return Path(f"{url.database}.mark")
    return Path("var") / f"{url.database or 'journal'}.mark"


class MarkFile:
    """The mark of one journal. Its methods wait for a disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._written: Mark | None = None
        self._failed: str | None = None

    def read(self) -> Mark | None:
        """The mark; None if there is none. Raises MarkUnreadableError."""
        try:
            return Mark.model_validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError:
            raise MarkUnreadableError(f"{self.path} is no mark of a journal") from None
        except OSError as error:
            raise MarkUnreadableError(f"{self.path} cannot be read ({os.strerror(error.errno or 0)})") from None

    def is_of(self, file: tuple[int, int] | None) -> bool:
        """Whether an SQLite file was not written since it was noted, or nothing is known of that."""
        try:
            mark = self.read()
        except MarkUnreadableError:
            return True
        return mark is None or mark.file is None or mark.file == file

    def has(self, mark: Mark) -> bool:
        """Whether this is what was written last."""
        return mark == self._written

    def write(self, mark: Mark) -> None:
        """Notes how far the journal is. A failure is said once, and harms nothing."""
        if self.has(mark):
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Nobody may find half of it. It is not synced: what a power cut takes is only a few seconds of it.
            beside = self.path.with_name(f"{self.path.name}.new")
            beside.write_text(json.dumps(mark.model_dump(mode="json"), indent=1) + "\n", encoding="utf-8")
            give_to_owner_of(self.path.parent, beside)
            beside.replace(self.path)
        except OSError as error:
            reason = os.strerror(error.errno or 0)
            if reason != self._failed:
                logger.warning(
                    "%s cannot be written (%s): should the journal be rewound, only its database can tell",
                    self.path,
                    reason,
                )
            self._failed = reason
        else:
            self._written, self._failed = mark, None
