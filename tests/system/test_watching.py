"""What watches a bridge: its figures are as Prometheus wants them, and rules and dashboard ask for those alone."""

import json
import platform
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from benchmarks.servers import free_port
from bridge import __version__
from tests.asking import client_of, get, post
from tests.bridge.http.exchanges import notice, registration
from tests.commands import run_command
from tests.conftest import BridgeProcess, StartBridge
from tests.postgresql import journal_cluster
from tests.proxies import DEPLOY
from tests.system.conftest import GATEWAY_KEY, Gateway, StartListener
from tests.waiting import wait_until

RULES = DEPLOY / "prometheus" / "alerts.yaml"
DASHBOARD = DEPLOY / "grafana" / "bridge.json"
OF_PROMETHEUS = {"up"}


@pytest.fixture(scope="module")
def metrics_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def bridge(make_bridge: StartBridge, metrics_port: int) -> BridgeProcess:
    return make_bridge(
        BRIDGE_LOG_FORMAT="json", BRIDGE_METRICS_PORT=str(metrics_port), BRIDGE_SHKEEPER_API_KEYS=GATEWAY_KEY
    )


def scraped(port: int) -> str:
    answer = get(f"http://127.0.0.1:{port}/metrics")
    assert answer.headers["content-type"].count("charset") == 1
    return answer.text


@pytest.fixture(scope="module")
def figures(bridge: BridgeProcess, metrics_port: int) -> str:
    return scraped(metrics_port)


def test_figures_are_on_their_own_port_alone(bridge: BridgeProcess, metrics_port: int, tmp_path: Path) -> None:
    own = f"http://127.0.0.1:{metrics_port}"
    for path in ("/metrics", "//metrics", "/metrics/"):
        assert get(bridge.url + path).status_code == 404, path
    for path in ("/health/live", "/api/payments", "/socket.io/?EIO=4&transport=polling", "/metrics/", "/"):
        assert get(own + path).status_code == 404, path
    taken = run_command(
        "serve", cwd=tmp_path, env={"BRIDGE_PORT": str(free_port()), "BRIDGE_METRICS_PORT": str(metrics_port)}
    )
    assert taken.returncode == 1
    said = " ".join(taken.stderr.split())
    assert f"cannot listen on 127.0.0.1:{metrics_port}: Address already in use" in said
    assert "set BRIDGE_METRICS_PORT to a free port" in said


def test_histograms_have_each_webhook_request_and_delivery(
    bridge: BridgeProcess, metrics_port: int, gateway: Gateway, listen: StartListener
) -> None:
    listener = listen(bridge.url, [["join-user-room", "b1"]])
    order = registration()
    body = notice(order["externalId"])
    with client_of(bridge.url) as client:
        client.post("/api/payments", json=order).raise_for_status()
        assert client.post("/webhooks/shkeeper", content=body, headers=gateway.headers(body)).status_code == 202
        assert client.head("/health/live").status_code == 200
    listener.fence()
    counts = dict(re.findall(r"^(\S+) (\S+)$", scraped(metrics_port), re.MULTILINE))
    assert counts['bridge_webhook_commit_seconds_count{provider="shkeeper"}'] == "1.0"
    assert counts['bridge_webhook_commit_seconds_bucket{le="+Inf",provider="shkeeper"}'] == "1.0"
    assert float(counts["bridge_event_delivery_seconds_count"]) >= len(listener.events)
    for method, route, status in (
        ("POST", "/webhooks/{provider}", "2xx"),
        ("POST", "/api/payments", "2xx"),
        ("HEAD", "/health/live", "2xx"),
    ):
        labels = f'method="{method}",route="{route}",status="{status}"'
        assert float(counts[f"bridge_http_request_seconds_count{{{labels}}}"]) == 1, labels
    assert 'bridge_payments{status="pending"}' in counts
    assert 'bridge_payouts{status="ambiguous"}' in counts
    assert float(counts["bridge_journal_disk_free_bytes"]) > 0, "nobody has asked whether it is ready"


def promtool(*arguments: str, given: str = "", folder: Path = RULES.parent) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *arguments], cwd=folder, input=given, capture_output=True, text=True)


def test_prometheus_has_nothing_to_say_against_the_figures(figures: str) -> None:
    checked = promtool("check", "metrics", given=figures)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
    assert "_created" not in figures
    assert f'bridge_build_info{{python="{platform.python_version()}",version="{__version__}"}} 1.0' in figures


def test_the_rules_are_sound_and_fire_when_they_should() -> None:
    for arguments in (("check", "rules", "alerts.yaml"), ("test", "rules", "alerts_test.yaml")):
        checked = promtool(*arguments)
        assert checked.returncode == 0, checked.stdout + checked.stderr


def asked_for() -> Iterator[tuple[str, str]]:
    """What rules and dashboard ask, and for what."""
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        for rule in group["rules"]:
            assert {"summary", "do"} <= rule["annotations"].keys()
            yield rule["alert"], rule["expr"]
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def test_whatever_is_asked_for_is_there(figures: str) -> None:
    families = set(re.findall(r"^# TYPE (\S+)", figures, re.MULTILINE))
    series = families | {f"{name}_{part}" for name in families for part in ("bucket", "sum", "count")} | OF_PROMETHEUS
    names = re.compile(r"\b(?:bridge|process|python)_\w+|\bup\b")
    for who, expression in asked_for():
        asked = set(names.findall(re.sub(r'"[^"]*"', "", expression)))
        assert asked, who
        assert asked <= series, who


def test_a_dashboard_asks_in_words_that_prometheus_reads(tmp_path: Path) -> None:
    """Its variables are Grafana's; with values in their place, each question is a rule that Prometheus takes."""
    values = {"$__rate_interval": "5m", "$job": ".*", "$instance": ".*"}
    rules = []
    for number, (_, expression) in enumerate(asked_for()):
        for name, value in values.items():
            expression = expression.replace(name, value)
        rules.append({"record": f"asked:{number}", "expr": expression})
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    checked = promtool("check", "rules", "rules.yaml", folder=tmp_path)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_log_for_programs_has_an_object_a_line(bridge: BridgeProcess, tmp_path: Path) -> None:
    get(f"{bridge.url}/api/payments", headers={"Origin": "https://stranger.example"})
    forged = post(f"{bridge.url}/webhooks/shkeeper", content=b"{}", headers={"X-Request-Id": "from-the-proxy"})
    assert (forged.status_code, forged.headers["x-request-id"]) == (401, "from-the-proxy")
    lines = [json.loads(line) for line in bridge.log.read_text().splitlines()]
    assert any(line["message"].startswith("The bridge is ready on ") for line in lines)
    assert any("stranger.example" in line["message"] for line in lines)
    of_webhooks = {line.get("request_id") for line in lines if line["message"].startswith("refused a webhook")}
    assert of_webhooks == {"from-the-proxy"}
    assert "request_id" not in lines[0]
    assert {*lines[0]} >= {"time", "level", "logger", "message"}
    # Also of a start that comes to nothing, whichever part of it does.
    (tmp_path / "json.toml").write_text('log_format = "json"\n')
    taken = run_command("serve", "--config", "json.toml", cwd=tmp_path, env={"BRIDGE_PORT": str(bridge.port)})
    wrong = run_command("serve", cwd=tmp_path, env={"BRIDGE_PORT": "many", "BRIDGE_LOG_FORMAT": "json"})
    secret = run_command("serve", cwd=tmp_path, env={"BRIDGE_SECRETS_DIR": "/nowhere", "BRIDGE_LOG_FORMAT": "json"})
    for ended, level in ((taken, "warning"), (wrong, "error"), (secret, "error")):
        assert ended.stdout == ""
        said = [json.loads(line) for line in ended.stderr.splitlines()]
        assert (said[0]["level"], said[-1]["level"]) == (level, "error")


def test_from_its_start_to_its_stop_a_bridge_says_nothing_else(make_bridge: StartBridge) -> None:
    """Also while its database is frozen and a chain's endpoint is away, at a stop that has to be ended."""
    with journal_cluster() as cluster:
        bridge = make_bridge(
            BRIDGE_LOG_FORMAT="json",
            BRIDGE_LOG_LEVEL="debug",
            BRIDGE_DATABASE_URL=cluster.journal_url(),
            BRIDGE_ENDPOINTS_ETHEREUM=f"http://127.0.0.1:{free_port()}",
            BRIDGE_STOP_SECONDS="6",
        )
        with cluster.frozen():
            wait_until(lambda: get(f"{bridge.url}/health/ready").status_code == 503)
            bridge.stop()
    lines = [json.loads(line) for line in bridge.log.read_text().splitlines()]
    assert {line["level"] for line in lines} >= {"debug", "info", "warning", "error"}
