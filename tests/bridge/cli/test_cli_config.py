"""`bridge config`: every setting, where it comes from, and no secret."""

import json
from pathlib import Path
from typing import Any

from bridge.settings import all_settings

SECRETS = {
    "BRIDGE_JWT_SECRETS": "a secret of at least thirty-two bytes",
    "BRIDGE_SHKEEPER_API_KEYS": "a-key-for-tests-only-0123456789",
    "BRIDGE_SHKEEPER_PASSWORD": "hunter2hunter2",
    "BRIDGE_DATABASE_URL": "postgresql://bridge:swordfish@db.example/bridge?sslpassword=swordfish",
    "BRIDGE_ENDPOINTS_BASE": "https://rpc.example/swordfish",
    "BRIDGE_GRANTS": '{"url": "https://shop.example/grants?key=swordfish"}',
}


def test_each_setting_is_shown_with_where_it_comes_from(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "bridge.toml"
    file.write_text('port = 8001\nretention_days = 30\n[alerts]\ntime_zone = "Europe/Zurich"\n')
    said = run("config", "--json", "--config", str(file), BRIDGE_PORT="8002", BRIDGE_ACCESS="open")
    shown = {one["name"]: (one["value"], one["origin"]) for one in json.loads(said.stdout)}
    assert shown.keys() == all_settings().model_fields.keys()
    assert shown["port"] == (8002, "BRIDGE_PORT")
    assert shown["retention_days"] == (30.0, str(file))
    assert shown["alerts"][0]["time_zone"] == "Europe/Zurich"
    assert shown["host"] == ("127.0.0.1", "default")
    changed = run("config", "--changed", "--config", str(file), BRIDGE_PORT="8002").stdout.splitlines()
    assert "port = 8002  (BRIDGE_PORT)" in changed
    assert {line.split(" = ")[0] for line in changed} == {"port", "retention_days", "alerts"}


def test_no_secret_is_shown(run: Any) -> None:
    for options in (["--json"], []):
        said = run("config", *options, **SECRETS)
        assert said.returncode == 0, said.stderr
        assert "db.example" in said.stdout
        assert "https://shop.example/grants?***" in said.stdout
        assert "BRIDGE_ENDPOINTS_BASE" in said.stdout
        assert not [secret for secret in (*SECRETS.values(), "swordfish") if secret in said.stdout]


def test_what_is_wrong_is_said_instead(run: Any) -> None:
    for options in (["config", "--changed"], ["doctor"]):
        said = run(*options, BRIDGE_DATABASE_URL="postgresql://bridge:swordfish127.0.0.1:55426/bridge")
        assert (said.returncode, "swordfish" in said.stdout + said.stderr) == (1, False)
        assert "write @ as %40" in said.stdout + said.stderr
    said = run("config", BRIDGE_PORT="many")
    assert (said.returncode, said.stdout, "BRIDGE_PORT" in said.stderr) == (1, "", True)


def test_files_of_an_orchestrator_count_like_the_environment(run: Any, tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    secret = SECRETS["BRIDGE_JWT_SECRETS"]
    (folder / "bridge_jwt_secrets").write_text(secret)
    (folder / "bridge_acess").write_text("jwt")
    slip = run("doctor", BRIDGE_SECRETS_DIR=str(folder), BRIDGE_PORT="0")
    assert (slip.returncode, "is it BRIDGE_ACCESS?" in slip.stdout) == (1, True)
    (folder / "bridge_acess").rename(folder / "bridge_access")
    origins = json.loads(run("config", "--json", BRIDGE_SECRETS_DIR=str(folder)).stdout)
    [followed] = [one for one in origins if one["name"] == "jwt_secrets_file"]
    brought = str(folder / "bridge_jwt_secrets")
    assert (followed["value"], followed["origin"]) == (brought, brought)
    [access] = [one for one in origins if one["name"] == "access"]
    assert (access["value"], access["origin"]) == ("jwt", str(folder / "bridge_access"))
    (folder / "BRIDGE_ENDPOINTS_BASE").write_text("https://rpc.example/swordfish")
    listed = run("config", "--changed", BRIDGE_SECRETS_DIR=str(folder)).stdout
    assert f'endpoints_base = "***"  ({folder / "BRIDGE_ENDPOINTS_BASE"})' in listed
    made = run("token", "make", "--user", "b1", BRIDGE_SECRETS_DIR=str(folder))
    assert (made.returncode, made.stdout.count(".")) == (0, 2)
    assert secret not in slip.stdout + slip.stderr + made.stdout + made.stderr
