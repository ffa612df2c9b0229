"""What watches a bridge: its figures are as Prometheus wants them, and rules and dashboard ask for those alone."""

import json
import platform
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from bridge import __version__
from tests.asking import get
from tests.conftest import BridgeProcess, StartBridge
from tests.proxies import DEPLOY

RULES = DEPLOY / "prometheus" / "alerts.yaml"
DASHBOARD = DEPLOY / "grafana" / "bridge.json"
OF_PROMETHEUS = {"up"}


@pytest.fixture(scope="module")
def bridge(make_bridge: StartBridge) -> BridgeProcess:
    return make_bridge(BRIDGE_LOG_FORMAT="json")


@pytest.fixture(scope="module")
def figures(bridge: BridgeProcess) -> str:
    answer = get(f"{bridge.url}/metrics")
    assert answer.headers["content-type"].count("charset") == 1
    return answer.text


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


def test_a_log_for_programs_has_an_object_a_line(bridge: BridgeProcess) -> None:
    get(f"{bridge.url}/api/payments", headers={"Origin": "https://stranger.example"})
    lines = [json.loads(line) for line in bridge.log.read_text().splitlines() if line.startswith("{")]
    assert any("stranger.example" in line["message"] for line in lines)
    assert {*lines[0]} >= {"time", "level", "logger", "message"}
