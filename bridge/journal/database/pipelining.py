"""Pipelining to PostgreSQL: any number of statements go to it in one piece, and their answers come back together.
The driver's cursors send each by itself, which wakes the server each time, and cost more than what it does then.
"""

import select
from collections.abc import Sequence
from functools import cache
from itertools import compress
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Dialect

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn, PGresult

__all__ = ["Said", "numbered_dialect", "pipelined"]

Said = tuple[str, Sequence[Any]]
"""A statement with its parameters by number ($1), and their values."""

# What is kept with a connection: by their texts, the names of the statements that were prepared on it; and how many
# names were given.
_PREPARED, _NAMES_GIVEN = "bridge_prepared", "bridge_names_given"


@cache
def numbered_dialect(dialect: Dialect) -> Dialect:
    """The same SQL with parameters by number, as the server itself has them."""
    numbered: Dialect = type(dialect)(paramstyle="numeric_dollar")  # type: ignore[call-arg]  # as every dialect takes it
    return numbered


def pipelined(connection: Connection, said: Sequence[Said]) -> list[list[tuple[Any, ...]]]:
    """Has some statements carried out, one after the other, and returns the rows of each. Where one fails, none of
    those after it is carried out, and its error is raised: the driver's."""
    from psycopg.adapt import PyFormat, Transformer  # only where a journal is in PostgreSQL
    from psycopg.pq import TransactionStatus

    driver: Any = connection.connection.driver_connection
    pgconn: PGconn = driver.pgconn
    # As the driver does where it is to begin transactions by itself.
    begins = not driver.autocommit and pgconn.transaction_status == TransactionStatus.IDLE
    transformer = Transformer(driver)
    # All of it, before anything is sent: what is no value of PostgreSQL's is an error.
    sent = [
        (text, transformer.dump_sequence(values, [PyFormat.TEXT] * len(values)) if values else ())
        for text, values in ([("BEGIN", ()), *said] if begins else said)
    ]
    info = connection.connection.info
    known: dict[str, bytes] = info.setdefault(_PREPARED, {})
    new: dict[str, bytes] = {}
    is_of_said: list[bool] = []
    pgconn.enter_pipeline_mode()
    for text, values in sent:
        name = known.get(text) or new.get(text)
        if name is None:
            # No name is given twice: of what fails it is not known which were prepared before that.
            info[_NAMES_GIVEN] = number = info.get(_NAMES_GIVEN, 0) + 1
            name = new[text] = b"bridge_%d" % number
            pgconn.send_prepare(name, text.encode())
            is_of_said.append(False)
        pgconn.send_query_prepared(name, values)
        is_of_said.append(True)
    pgconn.pipeline_sync()
    answers = list(compress(_answers(pgconn), is_of_said))
    known.update(new)
    found: list[list[tuple[Any, ...]]] = []
    for answer in answers[begins:]:
        rows: list[tuple[Any, ...]] = []
        if answer.ntuples:
            transformer.set_pgresult(answer)
            rows = transformer.load_rows(0, answer.ntuples, tuple)
        found.append(rows)
    return found


def _answers(pgconn: "PGconn") -> list["PGresult"]:
    """What the server answers to all that it was sent, up to the end of that."""
    from psycopg.errors import error_from_result
    from psycopg.pq import ConnStatus, ExecStatus

    socket = pgconn.socket
    sending, hearing = select.poll(), select.poll()
    sending.register(socket, select.POLLIN | select.POLLOUT)
    hearing.register(socket, select.POLLIN)
    # What the server says meanwhile is taken in, or it would not read on.
    while pgconn.flush():
        [(_, ready)] = sending.poll()
        if ready != select.POLLOUT:
            pgconn.consume_input()
    answers: list[PGresult] = []
    failure: PGresult | None = None
    while True:
        while pgconn.is_busy():
            hearing.poll()
            pgconn.consume_input()
        answer = pgconn.get_result()
        if answer is None:
            continue  # between two statements
        if answer.status == ExecStatus.PIPELINE_SYNC:
            break
        answers.append(answer)
        if answer.status == ExecStatus.FATAL_ERROR:
            failure = failure or answer
            if pgconn.status == ConnStatus.BAD:
                raise error_from_result(failure)
    pgconn.exit_pipeline_mode()
    if failure is not None:
        raise error_from_result(failure)
    return answers
