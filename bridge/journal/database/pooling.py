"""Pooling: whether what stands between the bridge and PostgreSQL gives each connection a session of its own.

The bridge's lock, what it listens for and its time limits are a session's. A pooler that gives a connection another
one with each transaction loses all three, and what is worse, says nothing.
"""

from contextlib import closing
from typing import Any

from sqlalchemy import Connection

from bridge.journal.database.engines import connection_arguments
from bridge.journal.errors import JournalUrlError

__all__ = ["require_session"]

# Of several sessions a pooler may happen to give the right one.
ROUNDS = 3
_OWN_NUMBER = "SELECT pg_backend_pid()"
_NOTE = "SELECT set_config('bridge.connection', %s, false)"
_NOTED = "SELECT current_setting('bridge.connection', true)"
_POOLED = (
    "a pooler in front of PostgreSQL gives a connection another session with each transaction, which loses the"
    " bridge's lock and what it listens for; have it give each connection its own (PgBouncer: pool_mode = session for"
    " this database, with a pool_size of 6 for each bridge), or set BRIDGE_DATABASE_URL to PostgreSQL itself"
)


def require_session(connection: Connection) -> None:
    """Raises JournalUrlError unless each connection to a PostgreSQL has its session for itself. This one is not to be
    within a transaction, which would have one while it lasts."""
    import psycopg  # only where a journal is in PostgreSQL

    driver: Any = connection.connection.driver_connection
    # A pooler tells whoever connects a number of its own.
    if driver.info.backend_pid == connection.exec_driver_sql(_OWN_NUMBER).scalar():
        return
    with closing(psycopg.connect(autocommit=True, **connection_arguments(connection.engine.url))) as other:
        for _ in range(ROUNDS):
            connection.exec_driver_sql(_NOTE, ("one",))
            other.execute(_NOTE, ("other",))
            if connection.exec_driver_sql(_NOTED).scalar() != "one":
                raise JournalUrlError(_POOLED)
