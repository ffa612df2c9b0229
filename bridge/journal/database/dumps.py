"""Dumps of a PostgreSQL: a backup of a journal that pg_dump makes, and that pg_restore reads back into an empty
database. Both are PostgreSQL's own programs, told where the database is as any client of it."""

import os
import shutil
import subprocess
from pathlib import Path

from psycopg.conninfo import make_conninfo
from sqlalchemy import URL

from bridge.documentation import where_documented
from bridge.environment import POSTGRESQL_FOLDER_VARIABLE
from bridge.journal.database.engines import connection_arguments
from bridge.journal.database.remedies import what_helps
from bridge.journal.errors import JournalUrlError

__all__ = ["dump", "find_program", "read_dump", "require_dump_of_journal"]

SAID_CHARACTERS = 1_000
# What libpq takes for secret. Of the second the environment has no variable.
PASSWORD, KEY_PASSWORD = "password", "sslpassword"


def find_program(name: str) -> Path | None:
    """Where one of PostgreSQL's programs is: in the folder that the environment names, or else on the PATH."""
    folder = os.environ.get(POSTGRESQL_FOLDER_VARIABLE)
    found = shutil.which(name, path=folder)
    if folder is not None and found is None:
        raise JournalUrlError(
            f"{POSTGRESQL_FOLDER_VARIABLE}: there is no {name} in {folder!r}; name the folder with PostgreSQL's"
            " programs"
        )
    return None if found is None else Path(found)


def dump(program: Path, url: URL, path: Path) -> None:
    """Writes all of a database into a file, as it is at one moment, whoever writes to it meanwhile."""
    _run([program, "--format=custom", f"--file={path}", *_place(url)], url)


def require_dump_of_journal(program: Path, path: Path) -> None:
    """Raises JournalUrlError for a file that is no dump of a journal's database."""
    listed = _run([program, "--list", path])
    # Such as: 3490; 0 16412 TABLE DATA public journal bridge
    tables = {line.split()[6] for line in listed.splitlines() if line.split()[3:5] == ["TABLE", "DATA"]}
    if not {"journal", "events"} <= tables:
        raise JournalUrlError(
            f"{path} is a dump of another database, and holds no journal; name a file that bridge backup or pg_dump"
            " has written of one"
        )


def read_dump(program: Path, url: URL, path: Path) -> None:
    """Reads a dump into an empty database, whole or not at all."""
    _run([program, "--no-owner", "--single-transaction", "--exit-on-error", *_place(url), path], url)


def _place(url: URL) -> list[str]:
    """Where the database is, without its password: everybody on a machine can see what a program is called with."""
    arguments = {name: value for name, value in connection_arguments(url).items() if name != PASSWORD}
    if KEY_PASSWORD in arguments:
        raise JournalUrlError(
            f"the database URL has {KEY_PASSWORD}, which PostgreSQL's programs could only be told for everybody to"
            f" see; run pg_dump or pg_restore yourself, as {where_documented('docs/operations.md')} says"
        )
    return ["--no-password", f"--dbname={make_conninfo(**arguments)}"]


def _run(command: list[str | Path], url: URL | None = None) -> str:
    secret = {} if url is None else _password(url)
    environment = {name: value for name, value in os.environ.items() if not name.upper().startswith("BRIDGE_")}
    ended = subprocess.run(  # noqa: S603 (PostgreSQL's own)
        command, env=environment | secret, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if ended.returncode != 0:
        said = " ".join(ended.stderr.decode(errors="replace").split())
        for value in secret.values():
            said = said.replace(value, "***")
        helps = what_helps(said, "")
        raise JournalUrlError(
            f"{Path(command[0]).name} failed: {said[-SAID_CHARACTERS:]}" + (f"; {helps}" if helps else "")
        )
    return ended.stdout.decode(errors="replace")


def _password(url: URL) -> dict[str, str]:
    password = connection_arguments(url).get(PASSWORD)
    return {} if not password else {"PGPASSWORD": password}
