"""Three bridges that share a journal in PostgreSQL, behind HAProxy with the configuration that is brought along, and
beside the local SHKeeper."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.servers import free_port
from tests.conftest import BridgeProcess, StartBridge
from tests.fronts import deployed, haproxy_without_tls
from tests.played_shkeeper import PlayedShkeeper, played_shkeeper
from tests.postgresql import Cluster, journal_cluster
from tests.proxies import Proxy, running_haproxy
from tests.system.cut_line import CutLine
from tests.system.shkeeper.conftest import settings_for

__all__ = ["Bridges"]

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
    doors: list[CutLine]
    """From HAProxy to each."""
    proxy: Proxy
    cluster: Cluster
    shkeeper: PlayedShkeeper

    @property
    def url(self) -> str:
        return self.proxy.url


def behind_haproxy(folder: Path, port: int, nodes: list[BridgeProcess], doors: list[CutLine]) -> Iterator[Proxy]:
    servers = [f"server {name} 127.0.0.1:{door.port}" for name, door in zip(NODES, doors, strict=True)]
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
def bridges(
    make_bridge: StartBridge, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Bridges]:
    """A module may say in `PRESENCE_TO` who is told who comes and goes."""
    port = free_port()
    with journal_cluster() as cluster, played_shkeeper() as shkeeper:
        variables = settings_for(shkeeper) | {
            # SHKeeper's notices come over HAProxy, as everything does.
            "BRIDGE_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "BRIDGE_PRESENCE_GRACE_SECONDS": "0.5",
            "BRIDGE_PRESENCE_TO": getattr(request.module, "PRESENCE_TO", "everyone"),
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
        doors = [CutLine(node.port) for node in nodes]
        for proxy in behind_haproxy(tmp_path_factory.mktemp("haproxy"), port, nodes, doors):
            yield Bridges(nodes, lines, doors, proxy, cluster, shkeeper)
        for node in nodes:
            node.kill()
        for line in (*lines, *doors):
            line.close()
