"""Statistics of a journal that is young: PostgreSQL plans how it looks something up by what it knows of a table.

By itself it learns that once a minute at most, and until then keeps the plan that it made while the table was empty:
then it reads all payments for each batch, of which there may be thousands by now.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, Table

from bridge.journal.database.pipelining import pipelined
from bridge.journal.tables import schema

__all__ = ["are_due", "take_statistics"]

# From then on some minutes are as nothing to a journal's size.
FIRST_COMMITS, LAST_COMMITS = 32, 65_536
# What batches look things up in, and grows with each of them.
_TABLES: Sequence[Table] = (schema.payments, schema.observations, schema.claims, schema.events, schema.room_events)
_ANALYZE = f"ANALYZE {', '.join(table.name for table in _TABLES)}"


def are_due(commits: int) -> bool:
    """Whether it is time for them after so many commits: whenever there were twice as many as at the last time. One
    bridge makes each commit, so one takes them."""
    return FIRST_COMMITS <= commits <= LAST_COMMITS and commits.bit_count() == 1


def take_statistics(connection: Connection) -> None:
    """Has PostgreSQL look at the tables, and make its plans anew. Outside of a transaction."""
    pipelined(connection, [(_ANALYZE, ())])
