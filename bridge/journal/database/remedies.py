"""Remedies: what helps against a PostgreSQL that is not reached, or does not let the bridge do what it has to.
Pure."""

import re

__all__ = ["what_helps"]

# Each by the words of PostgreSQL, whose client's are English everywhere; a server's own may be in another language.
_HELP = {
    r"password authentication failed|no password supplied": (
        "correct the role and its password in BRIDGE_DATABASE_URL, or give the role another one: ALTER ROLE …"
        " PASSWORD '…'"
    ),
    r'role ".*" does not exist': "make the role with createuser --pwprompt, or name another in BRIDGE_DATABASE_URL",
    r'database ".*" does not exist': (
        "make it with createdb --owner=ROLE --encoding=UTF8 --template=template0 DATABASE, or name another in"
        " BRIDGE_DATABASE_URL"
    ),
    r"no pg_hba\.conf entry|pg_hba\.conf rejects": "let the role in from here, in pg_hba.conf of the server",
    r"permission denied for (schema|database)": (
        "make the role the owner of the database (ALTER DATABASE … OWNER TO …), or GRANT CREATE ON SCHEMA public to"
        " it"
    ),
    r"too many (clients|connections)|connection slots are reserved": (
        "raise max_connections of the server, or the limit of the role: each bridge takes up to six"
    ),
    r"\bSSL\b|certificate": "write in BRIDGE_DATABASE_URL the sslmode and certificates that the server wants",
    r"invalid (connection option|.* value)": "leave it out of BRIDGE_DATABASE_URL, or write it as psql takes it",
    r"No space left on device|could not extend file": "make room on its disk",
    r"unsupported version \(": (
        "the file is of a newer pg_dump: name the folder with PostgreSQL's programs of that version, or a newer one,"
        " in BRIDGE_POSTGRESQL_BIN"
    ),
    r"server version mismatch": (
        "name the folder with PostgreSQL's programs as new as the server, or newer, in BRIDGE_POSTGRESQL_BIN"
    ),
    r"end of file|input file|could not uncompress|invalid compressed data|unexpected block|found unexpected": (
        "the file is damaged or cut off: take another backup"
    ),
    r"starting up|shutting down|in recovery mode": "wait until the server is ready",
}


def what_helps(reason: str, otherwise: str) -> str:
    """What to do about what PostgreSQL, or its client, said; something else where that is not known."""
    return next((known for words, known in _HELP.items() if re.search(words, reason)), otherwise)
