"""What a PostgreSQL refuses is said with what helps."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.servers import free_port
from bridge.journal import Journal
from bridge.journal.errors import JournalUrlError
from bridge.journal.examine import examine_database
from tests.postgresql import Cluster, journal_cluster
from tests.waiting import wait_until

GUARDED = "host all guarded 127.0.0.1/32 scram-sha-256\nhost all shut 127.0.0.1/32 reject\n"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with journal_cluster() as cluster:
        rules: Path = cluster.data / "pg_hba.conf"
        rules.write_text(GUARDED + rules.read_text())
        cluster.execute("CREATE ROLE guarded LOGIN PASSWORD 'right'")
        cluster.execute("CREATE ROLE shut LOGIN")
        cluster.execute("CREATE ROLE narrow LOGIN CONNECTION LIMIT 0")
        cluster.execute("REVOKE CREATE ON SCHEMA public FROM public", "journal")
        cluster.execute("SELECT pg_reload_conf()")
        wait_until(lambda: cluster.ask("SELECT count(*) FROM pg_hba_file_rules WHERE auth_method = 'reject'") == 1)
        yield cluster


@pytest.mark.parametrize(
    ("url", "helps"),
    [
        ("guarded:wrong@{server}/journal", "correct the role and its password in BRIDGE_DATABASE_URL"),
        ("guarded@{server}/journal", "correct the role and its password in BRIDGE_DATABASE_URL"),
        ("nobody@{server}/journal", "make the role with createuser --pwprompt"),
        ("plain@{server}/other", "make it with createdb --owner=ROLE --encoding=UTF8 --template=template0"),
        ("shut@{server}/journal", "let the role in from here, in pg_hba.conf"),
        ("narrow@{server}/journal", "raise max_connections of the server, or the limit of the role"),
        ("plain@{server}/journal?sslmode=require", "the sslmode and certificates that the server wants"),
        ("plain@{server}/journal?slmode=require", "or write it as psql takes it"),
        ("plain@127.0.0.1:{free}/journal", "see that PostgreSQL runs there, or correct BRIDGE_DATABASE_URL"),
        ("plain@nowhere.invalid/journal", "see that PostgreSQL runs there, or correct BRIDGE_DATABASE_URL"),
    ],
)
def test_who_is_not_connected_is_told_why_and_what_helps(cluster: Cluster, url: str, helps: str) -> None:
    with pytest.raises(JournalUrlError, match="cannot connect to") as refused:
        examine_database("postgresql://" + url.format(server=f"127.0.0.1:{cluster.port}", free=free_port()))
    assert helps in str(refused.value)
    assert "wrong" not in str(refused.value)


async def test_who_may_make_no_tables_is_told_who_lets_them(cluster: Cluster) -> None:
    cluster.execute("ALTER DATABASE journal OWNER TO bridge")
    with pytest.raises(JournalUrlError, match="make the role the owner of the database"):
        await Journal.open(cluster.journal_url())
