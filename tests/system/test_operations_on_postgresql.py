"""docs/operations.md to the letter, on a PostgreSQL that brings its own tools: a dump is made and read back, and a
base backup is taken on to a point in time by the WAL that was archived since."""

import json
import re
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.commands import run_command
from tests.conftest import BridgeProcess, StartBridge
from tests.documented import blocks_of
from tests.postgresql import SUPERUSER, USER, Cluster, complete_programs, journal_cluster
from tests.system.conftest import Listener, StartListener
from tests.system.outages import small_disk
from tests.system.test_operations import publish, ready
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def programs() -> Path:
    return complete_programs()


def assert_begins_anew(bridge: BridgeProcess, listener: Listener, how: str = "rewound") -> None:
    """After a restore: it has forgotten what came since the backup, and its client hears what comes from now on."""
    assert f"a new history of the journal begins ({how})" in bridge.log.read_text()
    assert ready(listener) is False
    publish(bridge, "again")
    listener.fence()
    assert [content[0]["reason"] for _, content in listener.events] == ["kept", "lost", "again"]


def test_a_dump_is_made_and_read_back_by_the_commands_that_are_written_there(
    make_bridge: StartBridge, listen: StartListener, tmp_path: Path, programs: Path
) -> None:
    dump, _, restore, _ = (block.text for block in blocks_of("operations.md", "PostgreSQL"))
    with journal_cluster(programs) as cluster:
        cluster.execute("ALTER ROLE plain CREATEDB")
        cluster.execute("CREATE DATABASE bridge OWNER plain")
        url = cluster.journal_url("bridge")
        bridge = make_bridge(BRIDGE_DATABASE_URL=url)
        listener = listen(bridge.url, [["join-template-checkout-room", "c1"]])
        environment = {
            "BRIDGE_DATABASE_URL": url,
            **of_superuser(cluster),
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
        assert_begins_anew(bridge, listener)
        bridge.kill()


def of_superuser(cluster: Cluster) -> dict[str, str]:
    """The environment of whoever keeps a cluster."""
    place = {"PGHOST": "127.0.0.1", "PGPORT": str(cluster.port), "PGUSER": SUPERUSER}
    return {"PATH": f"{cluster.programs}:/usr/bin:/bin", **place}


def settings_of(block: str) -> dict[str, str]:
    """The lines of a `postgresql.conf`."""
    lines = (line.partition(" = ") for line in block.splitlines())
    return {name: value.strip("'") for name, _, value in lines}


def test_a_base_backup_is_taken_to_a_point_in_time_by_the_lines_that_are_written_there(
    make_bridge: StartBridge, listen: StartListener, programs: Path
) -> None:
    copying, archiving, _, recovering = (block.text for block in blocks_of("operations.md", "PostgreSQL"))
    with journal_cluster(programs) as cluster:
        backups = cluster.folder / "backups"
        for folder in (backups, backups / "wal"):
            folder.mkdir()
            if USER:
                shutil.chown(folder, USER)

        def there(text: str) -> str:
            return text.replace("/backups", str(backups))

        cluster.stop()
        cluster.start(cluster.port, **settings_of(there(archiving)))
        bridge = make_bridge(BRIDGE_DATABASE_URL=cluster.journal_url())
        listener = listen(bridge.url, [["join-template-checkout-room", "c1"]])
        [command] = [line for line in copying.splitlines() if line.startswith("pg_basebackup")]
        subprocess.run(["sh", "-ec", there(command)], env=of_superuser(cluster), check=True, user=USER, cwd="/")
        publish(bridge, "kept")  # which the WAL alone has
        [instant] = re.findall("'(.*:00.*)'", recovering)
        until = str(cluster.ask("SELECT clock_timestamp()"))
        publish(bridge, "lost")
        listener.fence()
        newest = cluster.ask("SELECT pg_walfile_name(pg_switch_wal())")
        wait_until(lambda: (backups / "wal" / newest).exists())
        bridge.stop()
        cluster.stop()
        shutil.rmtree(cluster.data)
        (backups / "base").rename(cluster.data)
        with (cluster.data / "postgresql.conf").open("a") as configuration:
            configuration.write(there(recovering).replace(instant, until))
        cluster.is_told("recovery.signal")
        cluster.start(cluster.port)
        cluster.wait_until_it_writes()
        bridge.start()
        assert_begins_anew(bridge, listener, "promoted")
        bridge.kill()


PASSWORD = "swordfish"
# A session can be opened with so much, and tables be made of a few; a journal has more.
ROOM_TO_BEGIN_BYTES = 1_000_000


def noting(folder: Path, programs: Path) -> Path:
    """PostgreSQL's programs, in whose place each writes down what it is called with and what its environment says."""
    folder.mkdir()
    for name in ("pg_dump", "pg_restore"):
        program = folder / name
        program.write_text(
            f'#!/bin/sh\necho "$@" >>{folder}/called\nenv >>{folder}/told\nexec {programs}/{name} "$@"\n'
        )
        program.chmod(0o755)
    return folder


def test_a_backup_is_made_and_restored_by_the_bridge_with_those_programs(
    make_bridge: StartBridge, listen: StartListener, tmp_path: Path, programs: Path
) -> None:
    noted = noting(tmp_path / "programs", programs)
    with journal_cluster(programs) as cluster:
        url = cluster.journal_url().replace("plain@", f"plain:{PASSWORD}@")
        bridge = make_bridge(BRIDGE_DATABASE_URL=url)
        listener = listen(bridge.url, [["join-template-checkout-room", "c1"]])

        def run(*arguments: str) -> subprocess.CompletedProcess[str]:
            environment = {
                "PATH": "/usr/bin:/bin",
                "BRIDGE_DATABASE_URL": url,
                "BRIDGE_POSTGRESQL_BIN": str(noted),
            }
            return run_command(*arguments, cwd=tmp_path, env=environment)

        publish(bridge, "kept")
        made = run("backup", "bridge.dump", "--json")
        assert made.returncode == 0, made.stderr
        assert json.loads(made.stdout)["backup"] == str(tmp_path / "bridge.dump")
        assert stat.S_IMODE((tmp_path / "bridge.dump").stat().st_mode) == 0o600
        assert "is there already" in run("backup", "bridge.dump").stderr
        publish(bridge, "lost")
        listener.fence()
        assert "stop it" in run("restore", "bridge.dump").stderr
        bridge.stop()
        assert "nothing is restored over one" in run("restore", "bridge.dump").stderr
        cluster.execute("ALTER DATABASE journal RENAME TO replaced")
        cluster.execute("CREATE DATABASE journal OWNER plain TEMPLATE template0")
        (tmp_path / "no.dump").write_text("no dump")
        assert "is neither an SQLite file nor a dump" in run("restore", "no.dump").stderr
        whole = (tmp_path / "bridge.dump").read_bytes()
        (tmp_path / "no.dump").write_bytes(whole[:-200])
        cut_off = run("restore", "no.dump").stderr
        assert "the file is damaged or cut off" in cut_off, cut_off
        assert "The database is as empty as it was" in cut_off
        restored = run("restore", "bridge.dump", "--json")
        assert restored.returncode == 0, restored.stderr
        bridge.start()
        assert_begins_anew(bridge, listener)
        bridge.kill()
    assert PASSWORD not in made.stdout + restored.stdout
    assert PASSWORD not in (noted / "called").read_text()
    told = (noted / "told").read_text()
    assert f"PGPASSWORD={PASSWORD}\n" in told
    assert "BRIDGE_" not in told


def test_a_restore_onto_a_full_disk_leaves_the_database_empty_and_with_room_it_goes_well(
    make_bridge: StartBridge, programs: Path, tmp_path: Path
) -> None:
    folder = tempfile.TemporaryDirectory(prefix="bridge-small-disk-")
    with folder as name, journal_cluster(programs) as cluster, small_disk(Path(name), 20) as disk:
        Path(name).chmod(0o755)
        if USER is not None:
            shutil.chown(disk, USER)
        bridge = make_bridge(BRIDGE_DATABASE_URL=cluster.journal_url())
        publish(bridge, "kept")

        def run(*arguments: str, database: str) -> subprocess.CompletedProcess[str]:
            place = {"BRIDGE_DATABASE_URL": cluster.journal_url(database), "BRIDGE_POSTGRESQL_BIN": str(programs)}
            return run_command(*arguments, cwd=tmp_path, env={"PATH": "/usr/bin:/bin", **place})

        assert run("backup", "bridge.dump", database="journal").returncode == 0
        bridge.kill()
        cluster.execute(f"CREATE TABLESPACE small LOCATION '{disk}'")
        cluster.execute("CREATE DATABASE small OWNER plain TEMPLATE template0 TABLESPACE small")
        filling = disk / "filling"
        filling.write_bytes(bytes(shutil.disk_usage(disk).free - ROOM_TO_BEGIN_BYTES))
        refused = run("restore", "bridge.dump", database="small")
        assert refused.returncode == 1
        assert "No space left on device" in refused.stderr
        assert "make room on its disk" in refused.stderr
        assert "The database is as empty as it was" in refused.stderr
        filling.unlink()
        restored = run("restore", "bridge.dump", database="small")
        assert restored.returncode == 0, restored.stderr
        assert cluster.ask("SELECT count(*) FROM events", "small") == 1
        cluster.stop()
