"""Corruption: an SQLite file that is not as SQLite writes it, as after a backup was copied over one that is open, or
put beside the write-ahead log of another."""

import logging
import sqlite3
from time import monotonic
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

__all__ = ["corruption_in", "is_corruption"]

logger = logging.getLogger("bridge.journal")

# Of a bridge that clients wait for; in that time some gigabytes are read.
READ_SECONDS = 20.0
# After so many of SQLite's own it is looked whether that is over.
INSTRUCTIONS = 100_000

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_corruption(error: BaseException) -> bool:
    """Whether SQLite refuses a file for what is in it."""
    said = error.orig if isinstance(error, DBAPIError) else error
    # The lower byte of what SQLite calls the extended code.
    return isinstance(said, sqlite3.Error) and getattr(said, "sqlite_errorcode", 0) & 0xFF in _DAMAGED


def corruption_in(connection: Connection) -> str | None:
    """What is wrong with the file of an SQLite journal, in SQLite's own words; None if nothing is, or if it is none.
    A file that cannot be read within READ_SECONDS is taken for sound, with a warning."""
    if connection.dialect.name != "sqlite":
        return None
    driver: Any = connection.connection.driver_connection
    give_up = monotonic() + READ_SECONDS
    driver.set_progress_handler(lambda: monotonic() > give_up, INSTRUCTIONS)
    try:
        found: str = driver.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_INTERRUPT:
            logger.warning(
                "the journal is too large to be read within %g s; whether it is damaged is not known", READ_SECONDS
            )
            return None
        if not is_corruption(error):
            raise
        return str(error)
    finally:
        driver.set_progress_handler(None, 0)
    return None if found == "ok" else " ".join(found.removeprefix("*** in database main ***").split())
