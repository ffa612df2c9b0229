"""docs/operations.md to the letter, on a PostgreSQL that brings its own tools: a dump is made and read back."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.conftest import StartBridge
from tests.documented import blocks_of
from tests.postgresql import OTHER_PROGRAMS, SUPERUSER, journal_cluster
from tests.system.conftest import StartListener
from tests.system.test_operations import publish, ready

PROGRAMS = Path(os.environ.get(OTHER_PROGRAMS, "/nowhere"))


# What npm brings has the server alone: `make test-matrix POSTGRES=…` runs this where there is more.
@pytest.mark.skipif(not (PROGRAMS / "pg_dump").exists(), reason="POSTGRESQL_BIN names no PostgreSQL with pg_dump")
def test_a_dump_is_made_and_read_back_by_the_commands_that_are_written_there(
    make_bridge: StartBridge, listen: StartListener, tmp_path: Path
) -> None:
    dump, restore, _ = (block.text for block in blocks_of("operations.md", "PostgreSQL"))
    with journal_cluster() as cluster:
        cluster.execute("ALTER ROLE plain CREATEDB")
        cluster.execute("CREATE DATABASE bridge OWNER plain")
        url = cluster.journal_url("bridge")
        bridge = make_bridge(BRIDGE_DATABASE_URL=url)
        listener = listen(bridge.url, [["join-template-checkout-room", "c1"]])
        environment = {
            "PATH": f"{PROGRAMS}:/usr/bin:/bin",
            "BRIDGE_DATABASE_URL": url,
            "PGHOST": "127.0.0.1",
            "PGPORT": str(cluster.port),
            "PGUSER": SUPERUSER,
        }

        def run(command: str) -> None:
            command = command.replace("/backups", str(tmp_path)).replace("--owner=bridge", "--owner=plain")
            subprocess.run(["sh", "-ec", command], env=environment, check=True)

        publish(bridge, "kept")
        run("\n".join(line for line in dump.splitlines() if line.startswith("pg_dump")))
        publish(bridge, "lost")
        listener.fence()
        bridge.stop()
        *commands, serve = restore.splitlines()
        assert serve == "bridge serve"
        run("\n".join(commands))
        bridge.start()
        # The mark beside the bridge shows that it was further.
        assert "a new history of the journal begins (rewound)" in bridge.log.read_text()
        assert ready(listener) is False
        publish(bridge, "again")
        listener.fence()
        assert [content[0]["reason"] for _, content in listener.events] == ["kept", "lost", "again"]
        bridge.kill()
