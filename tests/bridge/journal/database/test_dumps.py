"""Dumps: what PostgreSQL's programs are called with, which everybody on the machine can see."""

from pathlib import Path

import pytest

from bridge.journal.database.dumps import dump, find_program
from bridge.journal.database.engines import parse_database_url
from bridge.journal.errors import JournalUrlError

# A program that fails, having said all that it was told.
PRINTS = '#!/bin/sh\necho "$@ password=$PGPASSWORD config=$BRIDGE_CONFIG" >&2\nexit 1\n'


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "pg_dump"
    path.write_text(PRINTS)
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("url", "places"),
    [
        ("postgresql://bridge:sword%40fish@db.example/shop", ["host=db.example", "user=bridge", "dbname=shop"]),
        ("postgresql://bridge@db.example/shop?password=sword%40fish&sslmode=require", ["sslmode=require"]),
        (
            "postgresql://bridge:sword%40fish@one:5432,two:5433/shop?target_session_attrs=read-write",
            ["host=one,two", "port=5432,5433", "target_session_attrs=read-write"],
        ),
    ],
)
def test_the_place_is_said_and_no_password(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, places: list[str]
) -> None:
    monkeypatch.setenv("BRIDGE_CONFIG", "/etc/bridge.toml")
    with pytest.raises(JournalUrlError) as failed:
        dump(program, parse_database_url(url), tmp_path / "backup.dump")
    said = str(failed.value)
    assert all(place in said for place in places), said
    assert "--no-password" in said
    assert said.endswith("password=*** config=")


def test_a_password_that_could_not_be_hidden_is_told_nobody(program: Path, tmp_path: Path) -> None:
    url = parse_database_url("postgresql://bridge@db.example/shop?sslpassword=swordfish")
    with pytest.raises(JournalUrlError, match="run pg_dump or pg_restore yourself") as failed:
        dump(program, url, tmp_path / "backup.dump")
    assert "swordfish" not in str(failed.value)


def test_programs_of_the_folder_that_is_named_come_first(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert find_program("pg_dump") is None
    monkeypatch.setenv("BRIDGE_POSTGRESQL_BIN", str(tmp_path))
    assert find_program("pg_dump") == program
    with pytest.raises(JournalUrlError, match="there is no pg_restore in"):
        find_program("pg_restore")
