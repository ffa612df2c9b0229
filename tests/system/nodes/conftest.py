"""Three bridges that share a journal in PostgreSQL, behind HAProxy with the configuration that is brought along."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.servers import free_port
from tests.conftest import BridgeProcess, StartBridge
from tests.fronts import deployed, haproxy_without_tls
from tests.postgresql import Cluster, journal_cluster
from tests.proxies import Proxy, running_haproxy
from tests.system.conftest import GATEWAY_KEY
from tests.system.cut_line import CutLine

__all__ = ["Bridges", "behind_haproxy"]

NODES = ("one", "two", "three")
# Clocks of machines that nobody sets. What is signed needs them right within the window.
CLOCKS_AHEAD_SECONDS = (0, 420, -420)
WINDOW_SECONDS = "600"


class OtherClockProcess(BridgeProcess):
    """A bridge on a machine whose clock is wrong."""

    beside = "tests.system.nodes.other_clock"


@dataclass(frozen=True, slots=True)
class Bridges:
    """Bridges, what is before them, and what is behind them."""

    nodes: list[BridgeProcess]
    lines: list[CutLine]
    """From each to PostgreSQL."""
    proxy: Proxy
    cluster: Cluster

    @property
    def url(self) -> str:
        return self.proxy.url


def behind_haproxy(folder: Path, nodes: list[BridgeProcess]) -> Iterator[Proxy]:
    port = free_port()
    servers = [f"server {name} 127.0.0.1:{node.port}" for name, node in zip(NODES, nodes, strict=True)]
    checked = [f"{server} check cookie {name}" for server, name in zip(servers, NODES, strict=True)]
    tracked = [f"{server} track bridges/{name}" for server, name in zip(servers, NODES, strict=True)]
    three = {
        "server one 127.0.0.1:8000 check cookie one": "\n    ".join(checked),
        "server one 127.0.0.1:8000 track bridges/one": "\n    ".join(tracked),
        "inter 2s fall 3 rise 1": "inter 200ms fall 1 rise 1",
    }
    others = haproxy_without_tls(f"bind 127.0.0.1:{port}", nodes[:1])
    configuration = deployed("haproxy.cfg", {**three, **others})
    with running_haproxy(folder, configuration, port) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def bridges(make_bridge: StartBridge, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bridges]:
    with journal_cluster() as cluster:
        variables = {
            "BRIDGE_SHKEEPER_API_KEYS": GATEWAY_KEY,
            "BRIDGE_PRESENCE_GRACE_SECONDS": "0.5",
            "BRIDGE_STOP_SECONDS": "6",
            "BRIDGE_SHKEEPER_SIGNATURE_WINDOW_SECONDS": WINDOW_SECONDS,
        }
        lines = [CutLine(cluster.port) for _ in NODES]
        urls = [cluster.journal_url().replace(str(cluster.port), str(line.port)) for line in lines]
        nodes = [
            make_bridge(
                OtherClockProcess, BRIDGE_DATABASE_URL=url, CLOCK_AHEAD_SECONDS=str(ahead_seconds), **variables
            )
            for url, ahead_seconds in zip(urls, CLOCKS_AHEAD_SECONDS, strict=True)
        ]
        for proxy in behind_haproxy(tmp_path_factory.mktemp("haproxy"), nodes):
            yield Bridges(nodes, lines, proxy, cluster)
        for node in nodes:
            node.kill()
        for line in lines:
            line.close()
