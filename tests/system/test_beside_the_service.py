"""docs/operations.md, "Beside the service": root does with its commands what the unit's bridge would do, on the same
journal, with the same secrets; and what it names of Compose and of the chart is there."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from tests.commands import COLD
from tests.conftest import StartBridge
from tests.documented import blocks_of, chapters_of
from tests.proxies import DEPLOY
from tests.system.conftest import GATEWAY_KEY
from tests.system.test_unit import settings_of_unit

PAGE, CHAPTER = "operations.md", "Beside the service"
ROOT = Path(__file__).parents[2]
JWT_SECRET = "a secret of at least thirty-two bytes"
SERVICES = '[shop]\ntoken = "a-token-of-a-service-for-tests-only"\nreads = true\n'
PLACES = ("/etc/bridge", "/var/lib/bridge", "/var/backups/bridge", "/opt/bridge/bin")


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    """A server's folders, as the unit has them, below one of the test's own."""
    places = {place: f"{tmp_path}{place}" for place in PLACES[:3]} | {PLACES[3]: str(COLD.parent)}
    secrets = Path(places["/etc/bridge"]) / "secrets"
    secrets.mkdir(parents=True, mode=0o700)
    for brought in settings_of_unit("(?:# )?LoadCredential"):
        lies = Path(brought.partition(":")[2])
        assert lies.parent == Path("/etc/bridge/secrets")
        contents = {
            "BRIDGE_SHKEEPER_API_KEYS": GATEWAY_KEY,
            "BRIDGE_JWT_SECRETS": JWT_SECRET,
            "services.toml": SERVICES,
        }
        # By the name of its variable, so that the folder serves root as the credentials serve the unit.
        assert lies.name == brought.partition(":")[0]
        (secrets / lies.name).write_text(contents[lies.name])
        (secrets / lies.name).chmod(0o600)
    Path(places["/var/lib/bridge"]).mkdir(parents=True, mode=0o700)
    Path(places["/var/backups/bridge"]).parent.mkdir()
    return places


def of_unit(machine: dict[str, str]) -> dict[str, str]:
    """What the unit tells its bridge, with the folder of its secrets in the place of credentials."""
    given = dict(one.split("=", 1) for one in settings_of_unit("Environment"))
    given = {name: moved(value.replace("%d", "/etc/bridge/secrets"), machine) for name, value in given.items()}
    return {**given, "BRIDGE_SECRETS_DIR": f"{machine['/etc/bridge']}/secrets"}


def moved(text: str, machine: dict[str, str]) -> str:
    for place, there in machine.items():
        text = text.replace(place, there)
    return text


def run(lines: list[str], machine: dict[str, str]) -> str:
    environment = {"PATH": os.environ["PATH"]}
    commands = moved("\n".join(lines), machine)
    done = subprocess.run(["sh", "-e"], input=commands, env=environment, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_root_backs_up_restores_and_looks_by_the_commands_that_are_written_there(
    make_bridge: StartBridge, machine: dict[str, str]
) -> None:
    settings = Path(machine["/etc/bridge"]) / "bridge.toml"
    settings.write_text('access = "jwt"\njwt_audience = "bridge"\nport = 0\n')
    bridge = make_bridge(**of_unit(machine), BRIDGE_CONFIG=str(settings))
    settings.write_text(settings.read_text().replace("port = 0", f"port = {bridge.port}"))
    begin, look, restore = (block.text.splitlines() for block in blocks_of(PAGE, CHAPTER))
    said = run([*begin, *look], machine)
    assert "users bring tokens, verified with 1 HS256 key" in said
    assert "1 service may write" in said
    assert "it is ready" in said
    assert "✗" not in said
    [backup] = Path(machine["/var/backups/bridge"]).iterdir()
    assert backup.stat().st_mode & 0o777 == 0o600
    assert backup.parent.stat().st_mode & 0o777 == 0o700
    (stop, start), commands = (restore[0], restore[3]), [restore[1:3], restore[4:]]
    assert (stop, start) == ("systemctl stop bridge", "systemctl start bridge")
    bridge.stop()
    said = run([*begin, *commands[0]], machine)
    assert f"is restored from {backup}" in said
    bridge.start()
    assert "a new history of the journal begins (restored)" in bridge.log.read_text()
    assert ": restored, " in run([*begin, *commands[1]], machine)
    assert {path.name for path in backup.parent.iterdir()} == {backup.name}


def test_what_it_names_of_compose_and_of_the_chart_is_there() -> None:
    text = chapters_of(PAGE)[CHAPTER]
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    named = re.findall(r"docker compose (?:exec(?: -T)?|run --rm) (\w+)", text)
    assert set(named) == {"one", "postgres"}
    for words in re.findall(r"docker compose (?:stop|start) ([\w ]+)", text):
        assert set(words.split()) == {name for name, one in services.items() if one.get("image") == "bridge"}
    assert f"--username={services['postgres']['environment']['POSTGRES_USER']}" in text
    assert f"--dbname={services['postgres']['environment']['POSTGRES_DB']}" in text
    assert 'ENTRYPOINT ["bridge"]' in (ROOT / "Dockerfile").read_text()
    chart = (DEPLOY / "helm" / "bridge" / "templates" / "deployment.yaml").read_text()
    assert "kind: Deployment\nmetadata:\n  name: {{ .Release.Name }}" in chart
    assert (
        f"--replicas={yaml.safe_load((DEPLOY / 'helm' / 'bridge' / 'values.yaml').read_text())['replicas']}" in text
    )
