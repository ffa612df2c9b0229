"""Dockerfile and compose.yaml: what they copy is there and let through, what they set are settings, and what they say
of time and of users agrees with the bridge. `make image` builds it, where there is a builder and the images that it
begins with; `make image-steps` runs its steps elsewhere."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from bridge import __version__
from bridge.access.service_tokens import WatchedServices
from bridge.environment import SECRETS_FOLDER_VARIABLE
from bridge.settings import all_settings, variable_name
from tests.image.building import left_out
from tests.image.dockerfile import stages_of, words_of
from tests.proxies import DEPLOY

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = ROOT / "compose.yaml"
CHART = DEPLOY / "helm" / "bridge"
SERVICES = "services.toml"
VARIABLES = {variable_name(name) for name in all_settings().model_fields} | {SECRETS_FOLDER_VARIABLE}


def services() -> dict[str, Any]:
    composed: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return composed


def test_what_is_copied_is_there_and_is_let_through() -> None:
    let_through = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    sources = [
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    assert sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert any(source == name or source.startswith(f"{name}/") for name in let_through), source


def test_a_wheel_needs_nothing_that_is_not_copied() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    wanted = {
        "LICENSE",
        "README.md",
        "hatch_build.py",
        *re.findall(r'^"([\w/]+)[\w.]*" = "share', project, re.MULTILINE),
    }
    for name in wanted:
        assert re.search(rf"^COPY .*\b{re.escape(name.split('/')[0])}\b", DOCKERFILE, re.MULTILINE), name


def test_it_runs_as_nobody_who_may_do_anything() -> None:
    [user] = re.findall(r"^USER (\d+):\d+$", DOCKERFILE, re.MULTILINE)
    assert int(user) > 1_000
    for name in ("one", "two"):
        bridge = services()["services"][name]
        assert (bridge["read_only"], bridge["cap_drop"]) == (True, ["ALL"])
        assert f"/var/lib/bridge:uid={user},mode=0700" in bridge["tmpfs"]


def test_what_is_set_is_a_setting() -> None:
    named = set(re.findall(r"\b(BRIDGE_\w+)=", DOCKERFILE)) | {"BRIDGE_PORT"}
    for name in ("one", "two"):
        bridge = services()["services"][name]
        named |= {*bridge["environment"], *bridge["secrets"]} - {SERVICES}
    assert named - VARIABLES == set()


def test_what_comes_as_a_secret_is_not_set_by_the_image_too() -> None:
    """A bridge refuses to start with two words on one setting."""
    in_image = set(re.findall(r"\b(BRIDGE_\w+)=", DOCKERFILE))
    for name in ("one", "two"):
        bridge = services()["services"][name]
        assert not in_image & {*bridge["secrets"]}, name
        assert not {*bridge["environment"]} & {*bridge["secrets"]}, name
    assert not in_image & set(re.findall(r"--from-file=(\w+)", (CHART / "values.yaml").read_text()))


def test_services_are_brought_as_a_secret_and_named_where_they_are() -> None:
    """Or else nobody could register a payment where users bring tokens."""
    composed = services()
    for name in ("one", "two"):
        bridge = composed["services"][name]
        assert SERVICES in bridge["secrets"]
        assert composed["secrets"][SERVICES] == {"file": f"secrets/{SERVICES}"}
        assert bridge["environment"]["BRIDGE_SERVICES_FILE"] == f"/run/secrets/{SERVICES}"
    about = (CHART / "values.yaml").read_text()
    assert yaml.safe_load(about)["servicesKey"] == SERVICES
    assert f"--from-file={SERVICES}" in about
    deployment = (CHART / "templates" / "deployment.yaml").read_text()
    [mounted] = re.findall(r"name: secrets, mountPath: ([^,]+),", deployment)
    assert f'name: BRIDGE_SERVICES_FILE, value: {{{{ printf "{mounted}/%s" .' in deployment


def test_the_services_that_the_composition_has_made_may_register_payments(tmp_path: Path) -> None:
    """By the very command that it tells."""
    [command] = re.findall(rf"^#\s+(printf .*) >secrets/{SERVICES}$", COMPOSE.read_text(), re.MULTILINE)
    made = subprocess.run(["sh", "-c", command], stdout=subprocess.PIPE, text=True, check=True).stdout
    path = tmp_path / SERVICES
    path.write_text(made)
    service = WatchedServices(path).now().find(made.split('"')[1])
    assert service is not None
    assert (service.name, service.registers_payments) == ("marketplace", True)
    assert re.search(rf"^# .*chown 10001 .*secrets/{SERVICES}", COMPOSE.read_text(), re.MULTILINE)


def test_the_chart_is_of_this_version_and_sets_what_are_settings() -> None:
    """`make chart` renders it."""
    about = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (about["version"], about["appVersion"]) == (__version__, __version__)
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    named = set(re.findall(r"\bBRIDGE_[A-Z_]+\b", (CHART / "templates" / "deployment.yaml").read_text()))
    named -= {"BRIDGE_"}  # and the name that follows
    named |= set(re.findall(r"\bBRIDGE_[A-Z_]+\b", (CHART / "values.yaml").read_text()))
    assert (named | {variable_name(name) for name in values["settings"]}) - VARIABLES == set()
    assert values["stopSeconds"] == all_settings().model_fields["stop_seconds"].default


def test_its_supervisor_waits_for_longer_than_it_takes() -> None:
    for name in ("one", "two"):
        seconds = int(services()["services"][name]["stop_grace_period"].removesuffix("s"))
        assert seconds > all_settings().model_fields["stop_seconds"].default
    [timeout] = re.findall(r"^HEALTHCHECK .*--timeout=(\d+)s", DOCKERFILE, re.MULTILINE)
    assert int(timeout) > 5  # within which readiness has answered


def test_the_proxy_of_the_composition_leads_to_both(tmp_path: Path) -> None:
    """By the very command that it tells, from the configuration that the bridge brings."""
    [command] = re.findall(r"^#\s+(sed .*) >secrets/Caddyfile$", COMPOSE.read_text(), re.MULTILINE)
    made = subprocess.run(
        ["sh", "-c", command],
        cwd=ROOT,
        env={"BRIDGE_DOMAIN": "live.example", "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    assert made.count("reverse_proxy one:8000 two:8000 {") == (DEPLOY / "Caddyfile").read_text().count(
        "reverse_proxy "
    )
    (tmp_path / "Caddyfile").write_text(made)
    adapt = ["caddy", "adapt", "--validate", "--config", "Caddyfile"]
    adapted = subprocess.run(adapt, cwd=tmp_path, capture_output=True, text=True)
    assert adapted.returncode == 0, adapted.stderr
    assert '"host":["live.example"]' in adapted.stdout


def test_the_dockerfile_is_laid_out_as_images_should_be() -> None:
    stages = stages_of(DOCKERFILE)
    names = [stage.name for stage in stages]
    assert names[-1] == ""
    for number, stage in enumerate(stages):
        image, _, tag = stage.base.partition(":")
        assert re.fullmatch(r"\d+(\.\d+)?-slim", tag), f"{image} needs a version"
        for step in stage.steps:
            if step.instruction == "WORKDIR":
                assert step.argument.startswith("/")
            if step.instruction in ("CMD", "ENTRYPOINT"):
                assert words_of(step.argument), "a shell would not pass the signal on"
            if step.instruction == "COPY" and step.argument.startswith("--from="):
                assert step.argument.removeprefix("--from=").split()[0] in names[:number]
            if step.instruction == "RUN" and " install " in step.argument and "pip" in step.argument:
                for installing in re.findall(r"pip install .+?(?= && |$)", step.argument):
                    assert "--no-cache-dir" in installing
                    assert "--require-hashes" in installing or "--no-deps" in installing
            if step.instruction in ("ENV", "LABEL"):
                assert not re.search(r"(?i)secret|password|token|key", step.argument)
    final = [step.instruction for step in stages[-1].steps]
    assert final.index("USER") > max(place for place, name in enumerate(final) if name in ("RUN", "COPY"))
    assert final.index("VOLUME") > max(place for place, name in enumerate(final) if name == "RUN")
    with pytest.raises(ValueError, match="ADD is not known here"):
        stages_of("FROM scratch\nADD https://example.com/archive.tar /\n")


def test_what_a_folder_has_been_built_and_installed_into_is_left_out_of_the_image() -> None:
    assert left_out(str(ROOT / "bridge" / "console"), ["dist", "web", "__init__.py"]) == {"dist"}
    assert left_out(str(ROOT / "bridge" / "console" / "web"), ["node_modules", "src"]) == {"node_modules"}
    assert left_out(str(ROOT / "providers"), ["__pycache__", "known.py"]) == {"__pycache__"}
