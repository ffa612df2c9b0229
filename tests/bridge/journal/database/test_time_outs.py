"""The time-outs of every connection to PostgreSQL that an open journal has, as kernel and server have them."""

import asyncio
import gc
import os
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest

from bridge.journal import Journal
from bridge.journal.database.engines import CONNECTION_SETTINGS, STATEMENT_LIMITS
from tests.bridge.journal.database.test_lock import numbers, publish
from tests.postgresql import Cluster, journal_cluster
from tests.waiting import until


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with journal_cluster() as cluster:
        yield cluster


Open = psycopg.Connection[Any] | psycopg.AsyncConnection[Any]


def connections() -> dict[str, list[Open]]:
    """Those of this process, by what they are for."""
    found: dict[str, list[Open]] = {"writer": [], "reader": [], "listener": []}
    # By their types: of a proxy whose object is gone nothing else can be asked.
    for one in [
        one for one in gc.get_objects() if issubclass(type(one), psycopg.Connection | psycopg.AsyncConnection)
    ]:
        if one.closed:
            continue
        if isinstance(one, psycopg.AsyncConnection):
            found["listener"].append(one)
        else:
            found["reader" if shown(one, "default_transaction_read_only") == "on" else "writer"].append(one)
    return found


def shown(connection: psycopg.Connection[Any], name: str) -> str:
    return str(connection.execute("SELECT current_setting(%s)", (name,)).fetchone()[0])  # type: ignore[index]


def milliseconds(connection: psycopg.Connection[Any], name: str) -> int:
    row = connection.execute("SELECT setting FROM pg_settings WHERE name = %s", (name,)).fetchone()
    return int(row[0]) if row else -1


def in_the_kernel(connection: Open) -> dict[str, int]:
    options = {
        "keepalives": (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
        "keepalives_idle": (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
        "keepalives_interval": (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
        "keepalives_count": (socket.IPPROTO_TCP, socket.TCP_KEEPCNT),
        "tcp_user_timeout": (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
    }
    with closing(socket.socket(fileno=os.dup(connection.fileno()))) as sock:
        return {name: sock.getsockopt(*where) for name, where in options.items()}


async def test_every_connection_of_a_journal_notices_a_server_that_falls_silent(cluster: Cluster) -> None:
    journal = await Journal.open(cluster.journal_url(), is_shared=True)
    following = asyncio.create_task(journal.follow_others())
    try:
        await publish(journal, 1)
        assert await numbers(journal) == [1]
        await until(lambda: connections()["listener"])
        found = connections()
        assert {kind for kind, some in found.items() if some} == {"writer", "reader", "listener"}
        names = {"keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"}
        asked = {name: CONNECTION_SETTINGS[name] for name in names}
        for one in (connection for some in found.values() for connection in some):
            assert in_the_kernel(one) == asked
            assert one.info.get_parameters()["connect_timeout"] == "3"
        # Noticed within half a minute, as is said beside them.
        kernel = in_the_kernel(found["writer"][0])
        assert kernel["keepalives_idle"] + kernel["keepalives_interval"] * kernel["keepalives_count"] <= 30
        # All that the server has of the bridge's, so that none was overlooked.
        ports = {own_port(one) for some in found.values() for one in some}
        rows = cluster.ask("SELECT array_agg(client_port) FROM pg_stat_activity WHERE application_name = 'bridge'")
        assert set(rows) == ports
        [writer] = found["writer"]
        assert isinstance(writer, psycopg.Connection)
        assert {name: milliseconds(writer, name) for name in STATEMENT_LIMITS} == STATEMENT_LIMITS
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await journal.close()


def own_port(connection: Open) -> int:
    with closing(socket.socket(fileno=os.dup(connection.fileno()))) as sock:
        return int(sock.getsockname()[1])
