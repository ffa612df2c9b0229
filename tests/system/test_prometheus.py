"""Prometheus itself over a bridge, configured by what `deploy/prometheus` has: it scrapes, loads the rules, and fires
once the bridge is gone."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml  # type: ignore[import-untyped]

from benchmarks.servers import free_port
from bridge import __version__
from tests.asking import client_of
from tests.conftest import StartBridge
from tests.proxies import DEPLOY
from tests.waiting import GIVE_UP_SECONDS, wait_until

PROMETHEUS = shutil.which("prometheus")
FOLDER = DEPLOY / "prometheus"
CONFIGURED_PORT = 9464
DOWN = "BridgeDown"


def copy_in_a_hurry(folder: Path, metrics_port: int) -> Path:
    """The configuration and its rules as they stand, but for the port and for how often all of it is looked at."""
    configured = (FOLDER / "prometheus.yml").read_text()
    assert configured.count(f"127.0.0.1:{CONFIGURED_PORT}") == 1
    configuration = yaml.safe_load(configured.replace(f"127.0.0.1:{CONFIGURED_PORT}", f"127.0.0.1:{metrics_port}"))
    assert {"scrape_interval", "evaluation_interval"} == configuration["global"].keys()
    configuration["global"] = dict.fromkeys(configuration["global"], "200ms")
    rules = yaml.safe_load((FOLDER / "alerts.yaml").read_text())
    [down] = [rule for group in rules["groups"] for rule in group["rules"] if rule["alert"] == DOWN]
    down["for"] = "1s"
    (folder / "alerts.yaml").write_text(yaml.safe_dump(rules))
    copied = folder / "prometheus.yml"
    copied.write_text(yaml.safe_dump(configuration))
    return copied


@contextmanager
def watching(configuration: Path) -> Iterator[httpx.Client]:
    """Prometheus with that configuration, on loopback; gives a client of its API."""
    assert PROMETHEUS is not None
    port, folder = free_port(), configuration.parent
    options = {"config.file": str(configuration), "storage.tsdb.path": str(folder / "data")}
    options["web.listen-address"] = f"127.0.0.1:{port}"
    command = [PROMETHEUS, *(f"--{name}={value}" for name, value in options.items())]
    log = folder / "prometheus.log"
    with log.open("wb") as said, subprocess.Popen(command, cwd=folder, stdout=said, stderr=said) as prometheus:
        try:
            with client_of(f"http://127.0.0.1:{port}") as client:

                def is_ready() -> bool:
                    assert prometheus.poll() is None, log.read_text()
                    try:
                        return client.get("/-/ready").status_code == 200
                    except httpx.TransportError:
                        return False

                wait_until(is_ready)
                yield client
            prometheus.terminate()
            assert prometheus.wait(GIVE_UP_SECONDS) == 0
        finally:
            prometheus.kill()
    assert "level=error" not in log.read_text()


def told(client: httpx.Client, path: str, **parameters: str) -> Any:
    answer = client.get(f"/api/v1/{path}", params=parameters).json()
    assert answer["status"] == "success", answer
    return answer["data"]


@pytest.mark.skipif(PROMETHEUS is None, reason="there is no prometheus on the PATH")
def test_prometheus_scrapes_a_bridge_and_says_when_it_is_gone(make_bridge: StartBridge, tmp_path: Path) -> None:
    metrics_port = free_port()
    bridge = make_bridge(BRIDGE_METRICS_PORT=str(metrics_port))
    with watching(copy_in_a_hurry(tmp_path, metrics_port)) as client:

        def of_the_bridge(query: str) -> dict[str, str]:
            """The value of each series, by what it is of."""
            found = told(client, "query", query=query)["result"]
            return {series["metric"].get("version", ""): series["value"][1] for series in found}

        def rules() -> list[dict[str, Any]]:
            return [rule for group in told(client, "rules")["groups"] for rule in group["rules"]]

        def standing() -> set[tuple[str, str]]:
            return {(alert["labels"]["alertname"], alert["state"]) for alert in told(client, "alerts")["alerts"]}

        wait_until(lambda: of_the_bridge('up{job="bridge"}') == {"": "1"})
        assert of_the_bridge("bridge_build_info") == {__version__: "1"}
        [target] = told(client, "targets")["activeTargets"]
        assert (target["health"], target["lastError"]) == ("up", "")
        wait_until(lambda: all(rule["health"] != "unknown" for rule in rules()))
        written = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"]
        assert {rule["name"] for rule in rules()} == {rule["alert"] for group in written for rule in group["rules"]}
        assert [rule for rule in rules() if rule["health"] != "ok"] == []
        assert DOWN not in {name for name, _ in standing()}

        bridge.kill()
        wait_until(lambda: (DOWN, "firing") in standing())
        [alert] = [alert for alert in told(client, "alerts")["alerts"] if alert["labels"]["alertname"] == DOWN]
        assert alert["labels"]["severity"] == "critical"
        assert alert["annotations"]["summary"] == f"127.0.0.1:{metrics_port} does not answer"

        bridge.start()
        wait_until(lambda: DOWN not in {name for name, _ in standing()})
