"""A bridge that records what it has SQLite write, commit by commit, so that `sqlite3` alone can write the same:
`python -m benchmarks.recorded_bridge`, with the file of the records in RECORDED_AT and, in BEGUN_AT, the file that is
there once what is measured has begun.
"""

import os
import pickle
import sqlite3
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

__all__ = ["BEGUN_AT", "RECORDED_AT", "Commit", "Statement", "commits"]

RECORDED_AT, BEGUN_AT = "RECORDED_AT", "BEGUN_AT"
WRITES = ("INSERT", "UPDATE", "DELETE", "CREATE", "REPLACE")
SETS = "PRAGMA"


class Statement(NamedTuple):
    """What SQLite was told to write, or how it is set."""

    text: str
    parameters: Any
    is_many: bool

    def begins_with(self, *words: str) -> bool:
        return self.text.lstrip().upper().startswith(words)


class Commit(NamedTuple):
    """What was written in one transaction."""

    is_measured: bool
    statements: list[Statement]


def commits(path: Path) -> Iterator[Commit]:
    """All that were recorded, in order."""
    with path.open("rb") as file:
        while file.peek(1):
            is_measured, statements = pickle.load(file)  # noqa: S301 (written by the process beside this one)
            yield Commit(is_measured, [Statement(*one) for one in statements])


class RecordingCursor(sqlite3.Cursor):
    """Has its connection note what it is told."""

    def execute(self, text: str, parameters: Any = (), /) -> Self:
        self._note(Statement(text, parameters, is_many=False))
        return super().execute(text, parameters)

    def executemany(self, text: str, parameters: Iterable[Any], /) -> Self:
        rows = list(parameters)
        self._note(Statement(text, rows, is_many=True))
        return super().executemany(text, rows)

    def _note(self, statement: Statement) -> None:
        if isinstance(self.connection, RecordingConnection):
            self.connection.note(statement)


class RecordingConnection(sqlite3.Connection):
    """Records what it commits."""

    lock = threading.Lock()

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.statements: list[Statement] = []

    def cursor(self, factory: Any = RecordingCursor) -> Any:
        return super().cursor(factory)

    def execute(self, text: str, parameters: Any = (), /) -> Any:
        return self.cursor().execute(text, parameters)

    def executemany(self, text: str, parameters: Iterable[Any], /) -> Any:
        return self.cursor().executemany(text, parameters)

    def commit(self) -> None:
        self.note_commit()
        super().commit()

    def rollback(self) -> None:
        self.statements = [one for one in self.statements if one.begins_with(SETS)]
        super().rollback()

    def note(self, statement: Statement) -> None:
        if statement.begins_with(*WRITES, SETS):
            self.statements.append(statement)
        elif statement.begins_with("COMMIT"):
            self.note_commit()

    def note_commit(self) -> None:
        if not any(one.begins_with(*WRITES) for one in self.statements):
            return
        said = Path(os.environ[BEGUN_AT]).exists(), [tuple(one) for one in self.statements]
        self.statements = []
        with self.lock, Path(os.environ[RECORDED_AT]).open("ab") as file:
            pickle.dump(said, file)


def main() -> None:
    from sqlalchemy import Engine, event

    @event.listens_for(Engine, "do_connect")
    def _recording(_dialect: Any, _record: Any, _arguments: Any, options: dict[str, Any]) -> None:
        options["factory"] = RecordingConnection

    from bridge.cli import main as bridge

    sys.argv = ["bridge", "serve"]
    bridge()


if __name__ == "__main__":
    main()
