"""Commands that stand in a sentence, a table or the head of a file, and not in a block of a page: each is run by a
test, or it is said here why none does."""

import re
import subprocess
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

from bridge.journal.database.engines import parse_database_url
from tests.documented import PAGES, chapters_of, commands_of

ROOT = Path(__file__).parents[1]
HEADS = (
    *("Dockerfile", "compose.yaml", "deploy/bridge.service", "deploy/helm/bridge/values.yaml"),
    "deploy/prometheus/prometheus.yml",
)
BUILT = "tests/pages/test_build.py"
IMAGE = "tests/system/test_image.py"
HERE = "tests/test_documented_commands.py"

INSTALLS = "installs from a registry for a minute; make test does the same, and make image-steps in a clean system"
NO_BUILDER = "needs a builder of images: make image-steps runs its steps instead"
NO_CLUSTER = "needs a cluster; make chart validates what it would be given"
NO_SYSTEMD = "needs a systemd that runs; tests/system/test_unit.py holds the unit against its rules"
RENDERS = "installs a hundred megabytes; tests/system/test_image.py holds the values against the settings"
MEASURES = "measures, for minutes"
WHOLE = "runs tests itself"

# Every target: the test that runs it, or its command, or why none does.
TARGETS = {
    "help": HERE,
    "run": "tests/test_makefile.py",
    "demo": "tests/test_makefile.py",
    "pages": "tests/test_makefile.py",
    "test": "tests/test_makefile.py",
    "test-matrix": WHOLE,
    "test-slowly": WHOLE,
    "soak": WHOLE,
    "lint": "make test runs its four commands",
    "format": "changes the code; make test checks it",
    "contract": "tests/bridge/contract/test_contract.py",
    "blocking-client": "tests/bridge/client/test_blocking_client.py",
    "screenshots": "changes pictures that a person looks at",
    "lock": "asks a registry for newer versions",
    "npm-package": BUILT,
    "wheel": BUILT,
    "image": NO_BUILDER,
    "image-steps": "needs root, debootstrap, registries and two minutes; tests/system/test_image.py has its reading",
    "sbom": "tests/libraries/test_bill_of_materials.py",
    "chart": RENDERS,
    "clean": "removes what the tests run with",
    **dict.fromkeys(
        ("bench", "bench-nodes", "bench-attacks", "bench-deadlines", "bench-presence", "bench-crowds"), MEASURES
    ),
    **dict.fromkeys(
        ("bench-books", "bench-growth", "bench-start", "bench-onchain", "profile", "webhook-path"), MEASURES
    ),
}
# What stands at the head of a file and in the table "Deploying", by how it begins.
COMMANDS = {
    "docker build": NO_BUILDER,
    "docker run": NO_BUILDER,
    "docker compose": NO_BUILDER,
    "mkdir --parents secrets": HERE,
    "openssl rand": HERE,
    "printf": IMAGE,
    "echo": HERE,
    "export BRIDGE_DOMAIN": HERE,
    "sed -e": IMAGE,
    "chown 10001": "needs root; tests/image/trying.py does it",
    "kubectl create secret": NO_CLUSTER,
    "helm install": NO_CLUSTER,
    "python3 -m venv": BUILT,
    "/opt/bridge/bin/pip install --require-hashes": INSTALLS,
    "/opt/bridge/bin/pip install --no-deps": BUILT,
    "systemctl enable": NO_SYSTEMD,
    "prometheus --config.file": "tests/system/test_prometheus.py",
    "bridge doctor": BUILT,
    "make wheel": BUILT,
    "make image": NO_BUILDER,
    "make chart": RENDERS,
}
PROGRAMS = (
    r"(?:bridge|chown|docker|echo|export|helm|kubectl|make|mkdir|openssl|prometheus|python3|sed|systemctl|/opt/\S+)"
)


def in_heads() -> Iterator[str]:
    """Those in the comments that a file begins with: set in, or between backticks, or after a colon."""
    for name in HEADS:
        lines = (ROOT / name).read_text().splitlines()
        comments = [line[1:] for line in takewhile(lambda line: line.startswith("#"), lines)]
        for line in "\n".join(comments).replace("\\\n", "").splitlines():
            if line.startswith(" " * 5):
                yield from (part.strip() for part in line.split("#")[0].split(" && /") if part.strip())
            yield from re.findall(rf"`({PROGRAMS} [^`]+)`", line)
            yield from re.findall(rf": ({PROGRAMS} .+)$", line)


def in_deploying() -> Iterator[str]:
    yield from re.findall(rf"`({PROGRAMS} [^`]+)`", chapters_of("operations.md")["Deploying"])


def begins(command: str) -> str | None:
    command = f"/{command}" if command.startswith("opt/") else command
    return next((known for known in COMMANDS if command.startswith(known)), None)


def test_every_command_outside_a_block_is_run_by_a_test_or_has_a_reason() -> None:
    found = {command: begins(command) for command in (*in_heads(), *in_deploying())}
    assert [command for command, known in found.items() if known is None] == []
    assert set(found.values()) == COMMANDS.keys()


def test_every_target_is_run_by_a_test_or_has_a_reason() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE)) == TARGETS.keys()
    for said in {*TARGETS.values(), *COMMANDS.values()}:
        if said.startswith("tests/") and " " not in said:
            assert (ROOT / said).exists(), said


def test_every_target_that_a_page_names_is_one_of_the_makefile() -> None:
    for page, path in PAGES.items():
        named = set(re.findall(r"(?:`|^ +)make ([a-z-]+)", path.read_text(encoding="utf-8"), re.MULTILINE))
        assert named <= TARGETS.keys(), page
    handed_out = {command.split()[1] for command in commands_of("releasing.md", "Each release", "make ")}
    assert handed_out == {"wheel", "sbom", "npm-package", "chart", "image"}


def test_a_wheel_is_installed_by_the_same_commands_wherever_they_stand() -> None:
    told = [(ROOT / "deploy" / "bridge.service").read_text(), chapters_of("operations.md")["Deploying"]]
    told.append((ROOT / "Makefile").read_text())
    for text in told:
        assert "pip install --require-hashes -r requirements.lock" in text
        assert re.search(r"pip install --no-deps \./bridge-\S*\.whl", text)


def test_help_lists_every_target() -> None:
    made = subprocess.run(["make", "help"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    assert set(re.findall(r"^  make ([a-z-]+) +\S", made.stdout, re.MULTILINE)) == TARGETS.keys()


def test_the_secrets_of_the_composition_are_made_by_the_commands_at_its_head(tmp_path: Path) -> None:
    [head] = re.findall(r"^#\n((?:#     .+\n)+)#\n", (ROOT / "compose.yaml").read_text(), re.MULTILINE)
    (tmp_path / "deploy").symlink_to(ROOT / "deploy")
    commands = "".join(line[6:] for line in head.splitlines(keepends=True))
    subprocess.run(["sh", "-e"], input=commands, cwd=tmp_path, text=True, check=True)
    secrets = tmp_path / "secrets"
    assert secrets.stat().st_mode & 0o777 == 0o700
    url = parse_database_url((secrets / "BRIDGE_DATABASE_URL").read_text().strip())
    assert (url.host, url.password) == ("postgres", (secrets / "postgres_password").read_text().strip())
    assert len((secrets / "BRIDGE_JWT_SECRETS").read_text().strip()) == 64
    assert "bridge.example" in (secrets / "Caddyfile").read_text()
