"""The command line against a bridge that asks for tokens."""

import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest

from tests.waiting import GIVE_UP_SECONDS

SECRET = "a secret of at least thirty-two bytes"
SERVICE_TOKEN = "the-token-of-the-marketplace"
KEY = "a-key-for-tests-only-0123456789"
SERVICES = f'[marketplace]\ntoken = "{SERVICE_TOKEN}"\nregisters = ["payments"]\n'


def token(seconds: float = 600, **claims: Any) -> str:
    return jwt.encode({"sub": "b1", "exp": time.time() + seconds, **claims}, SECRET, "HS256")


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("services") / "services.toml"
    path.write_text(SERVICES)
    path.chmod(0o600)
    return path


@pytest.fixture(scope="module")
def bridge(make_bridge: Any, services: Path) -> Any:
    return make_bridge(
        BRIDGE_ACCESS="jwt",
        BRIDGE_JWT_SECRETS=SECRET,
        BRIDGE_JWT_LEEWAY_SECONDS="0",
        BRIDGE_SERVICES_FILE=str(services),
        BRIDGE_SHKEEPER_API_KEYS=KEY,
    )


def test_listen_brings_a_token_and_hears_what_it_grants(run: Any, bridge: Any) -> None:
    listened = run("listen", "--url", bridge.url, "--user", "b1", "--for", "0.2", BRIDGE_TOKEN=token())
    assert listened.returncode == 0
    assert "user-b1" in listened.stderr
    assert "misspelt" not in listened.stderr
    denied = run("listen", "--url", bridge.url, "--user", "b2", "--for", "5", "--token", token())
    assert denied.returncode == 1
    assert "the token does not grant user-b2" in denied.stderr


@pytest.mark.parametrize(
    ("brought", "words"),
    [
        (None, "put into BRIDGE_TOKEN a token (bridge token make"),
        (token(-60), "has expired"),
        ("x", "not a JWT"),
    ],
)
def test_listen_says_why_it_was_refused(run: Any, bridge: Any, brought: str | None, words: str) -> None:
    refused = run("listen", "--url", bridge.url, "--for", "5", **({"BRIDGE_TOKEN": brought} if brought else {}))
    assert refused.returncode == 1
    assert words in refused.stderr
    assert "BRIDGE_TOKEN" in refused.stderr


def test_listen_ends_when_its_token_does(run: Any, bridge: Any) -> None:
    lasting_seconds = 4
    while True:
        ended = run("listen", "--url", bridge.url, "--json", BRIDGE_TOKEN=token(lasting_seconds))
        assert ended.returncode == 1
        assert "has expired" in ended.stderr
        if "listening to" in ended.stderr:
            break
        lasting_seconds *= 2  # one that was over before it was brought says nothing here
        assert lasting_seconds < GIVE_UP_SECONDS
    assert json.loads(ended.stdout)["event"] == "session-ended"


def test_simulate_registers_with_the_token_of_a_service(run: Any, bridge: Any) -> None:
    options = ("simulate", "shkeeper", "--url", bridge.url, "--key", KEY, "--pause", "0", "--scenario", "paid")
    refused = run(*options)
    assert refused.returncode == 1
    assert "this needs the token of a service" in refused.stderr
    assert "put into BRIDGE_TOKEN the token of a service" in refused.stderr
    played = run(*options, BRIDGE_TOKEN=SERVICE_TOKEN)
    assert played.returncode == 0, played.stderr
    assert "completed" in played.stdout


def test_doctor_looks_at_keys_and_services(run: Any, services: Path, tmp_path: Path) -> None:
    common = {"BRIDGE_ACCESS": "jwt", "BRIDGE_PORT": "0", "BRIDGE_SHKEEPER_API_KEYS": KEY}
    good = run("doctor", **common, BRIDGE_JWT_SECRETS=SECRET, BRIDGE_SERVICES_FILE=str(services))
    assert good.returncode == 0
    assert "users bring tokens, verified with 1 HS256 key\n" in good.stdout
    assert "1 service may write" in good.stdout
    assert "jwt_audience" in good.stdout
    bare = run("doctor", **common, BRIDGE_JWT_SECRETS=SECRET, BRIDGE_JWT_AUDIENCE="bridge")
    assert bare.returncode == 0
    assert "nobody may publish events or register payments" in bare.stdout
    assert "jwt_audience" not in bare.stdout
    keyless = run("doctor", **common)
    assert keyless.returncode == 1
    assert "BRIDGE_JWT_SECRETS" in keyless.stdout
    shared = tmp_path / "shared.toml"
    shared.write_text(SERVICES)
    shared.chmod(0o644)
    wrong = run("doctor", **common, BRIDGE_JWT_SECRETS="short", BRIDGE_SERVICES_FILE=str(shared))
    assert "at least 32" in wrong.stdout
    assert f"chmod 600 {shared}" in wrong.stdout
    assert SERVICE_TOKEN not in good.stdout + wrong.stdout
    (tmp_path / "secrets").mkdir()
    brought = tmp_path / "secrets" / "BRIDGE_JWT_SECRETS"
    brought.write_text(SECRET)
    brought.chmod(0o644)
    from_folder = run("doctor", **common, BRIDGE_SECRETS_DIR=str(brought.parent))
    assert "verified with 1 HS256 key\n" in from_folder.stdout
    assert from_folder.stdout.count(f"chmod 600 {brought}") == 1


@pytest.mark.parametrize(
    ("variable", "named"),
    [
        ("BRIDGE_JWT_SECRETS", "BRIDGE_JWT_SECRETS"),
        ("BRIDGE_JWT_SECRETS_FILE", "jwt_secrets_file (elsewhere)"),
        ("BRIDGE_JWT_JWKS_FILE", "jwt_jwks_file (elsewhere)"),
        ("BRIDGE_OIDC_CLIENT_SECRET", "BRIDGE_OIDC_CLIENT_SECRET"),
        (None, "jwt_secrets_file (var/jwt.secrets)"),
    ],
)
def test_keys_for_tokens_that_nobody_is_asked_for_stop_the_start(
    run: Any, tmp_path: Path, variable: str | None, named: str
) -> None:
    """As in a folder without the settings that say that they are asked."""
    (tmp_path / "elsewhere").write_text(SECRET)
    if variable is None:
        (tmp_path / "var").mkdir()
        (tmp_path / "var" / "jwt.secrets").write_text(SECRET)
    given = {} if variable is None else {variable: "elsewhere" if variable.endswith("_FILE") else SECRET}
    for command in ("serve", "doctor"):
        stopped = run(command, BRIDGE_PORT="0", **given)
        said = stopped.stdout + stopped.stderr
        assert stopped.returncode == 1
        assert f"there are keys for tokens: {named}; set access = " in said
        assert "config/bridge.toml" in said
        assert SECRET not in said
    assert not (tmp_path / "var" / "bridge.db").exists()


def test_a_token_that_is_made_here_holds_at_the_bridge_and_says_what_it_grants(run: Any, bridge: Any) -> None:
    keys = {"BRIDGE_ACCESS": "jwt", "BRIDGE_JWT_SECRETS": f"{SECRET},another secret of thirty-two bytes"}
    made = run("token", "make", "--user", "b1", "--request", "r1", "--role", "ops-view", **keys)
    assert made.returncode == 0, made.stderr
    read = run("token", "read", "--json", BRIDGE_TOKEN=made.stdout.strip(), **keys)
    granted = json.loads(read.stdout)
    assert (granted["user"], granted["roles"]) == ("b1", ["ops-view"])
    assert {"user-b1", "request-r1"} <= set(granted["rooms"])
    listened = run("listen", "--url", bridge.url, "--user", "b1", "--for", "0.2", BRIDGE_TOKEN=made.stdout.strip())
    assert listened.returncode == 0, listened.stderr


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["make", "--user", "b1", "--role", "owner"], "ops-view"),
        (["make", "--user", "\u202e"], "sub"),
        (["read"], "has expired"),
    ],
)
def test_what_is_no_good_token_is_said(run: Any, given: list[str], said: str) -> None:
    keys = {"BRIDGE_ACCESS": "jwt", "BRIDGE_JWT_SECRETS": SECRET, "BRIDGE_TOKEN": token(-600)}
    refused = run("token", *given, **keys)
    assert refused.returncode != 0
    assert said in refused.stderr
    assert SECRET not in refused.stderr + refused.stdout
    assert token(-600)[:20] not in refused.stderr


def test_nobody_signs_with_keys_that_only_verify(run: Any, tmp_path: Path) -> None:
    refused = run("token", "make", "--user", "b1")
    assert (refused.returncode, "no secret to sign with" in refused.stderr) == (1, True)
    open_to_all = run("token", "read", BRIDGE_TOKEN="x")
    assert (open_to_all.returncode, 'access = "open"' in open_to_all.stderr) == (1, True)
