"""Files of keys with no key in them: `bridge doctor` finds each, and names the file."""

from pathlib import Path
from typing import Any

import pytest

SECRET = {"BRIDGE_ACCESS": "jwt", "BRIDGE_JWT_SECRETS": "a secret of at least thirty-two bytes"}
CHAT = '{{"channels": {{"c": {{"kind": "chat", "url_file": "{}"}}}}}}'
SIGN_IN = (
    '{{"issuer": "https://id.example", "client_id": "b", "roles": {{"ops-view": ["f"]}}, "client_secret_file": "{}"}}'
)
NAMED: dict[str, dict[str, str]] = {
    "services_file: empty": {"BRIDGE_SERVICES_FILE": "empty"},
    "shkeeper_api_keys_file: empty": {"BRIDGE_SHKEEPER_API_KEYS_FILE": "empty"},
    "BRIDGE_SHKEEPER_API_KEYS is set": {"BRIDGE_SHKEEPER_API_KEYS": ","},
    "access = jwt: empty": {"BRIDGE_ACCESS": "jwt", "BRIDGE_JWT_SECRETS_FILE": "empty"},
    "access = jwt: none.jwks": {**SECRET, "BRIDGE_JWT_JWKS_FILE": "none.jwks"},
    "grants.secret_file": {**SECRET, "BRIDGE_GRANTS": '{"url": "https://shop.example/g", "secret_file": "empty"}'},
    "oidc.client_secret_file": {
        **SECRET,
        "BRIDGE_PUBLIC_URL": "https://b.example",
        "BRIDGE_OIDC": SIGN_IN.format("empty"),
    },
    "alerts.channels.c.url_file": {"BRIDGE_ALERTS": CHAT.format("empty")},
}


@pytest.mark.parametrize("content", ["", "\n \n"])
@pytest.mark.parametrize("named", NAMED)
def test_a_file_that_is_named_and_holds_no_key_is_an_error(
    run: Any, tmp_path: Path, named: str, content: str
) -> None:
    (tmp_path / "empty").write_text(content)
    (tmp_path / "none.jwks").write_text('{"keys": []}')
    examined = run("doctor", BRIDGE_PORT="0", **NAMED[named])
    errors = [line for line in examined.stdout.splitlines() if line.startswith("✗")]
    assert examined.returncode == 1, examined.stdout
    assert [named in line for line in errors] == [True], examined.stdout


@pytest.mark.parametrize("usual", ["services.toml", "shkeeper.keys", "jwt.secrets"])
def test_so_is_one_at_its_usual_place(run: Any, tmp_path: Path, usual: str) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / usual).touch(mode=0o600)
    keys = {} if usual == "jwt.secrets" else SECRET
    examined = run("doctor", BRIDGE_PORT="0", **{"BRIDGE_ACCESS": "jwt", **keys})
    errors = [line for line in examined.stdout.splitlines() if line.startswith("✗")]
    assert (examined.returncode, [f"var/{usual}" in line for line in errors]) == (1, [True]), examined.stdout


@pytest.mark.parametrize("command", ["doctor", "serve", "config"])
def test_an_empty_file_in_the_folder_of_secrets_stops_every_command(run: Any, tmp_path: Path, command: str) -> None:
    (tmp_path / "BRIDGE_SHKEEPER_PASSWORD").write_text("\n")
    stopped = run(command, BRIDGE_PORT="0", BRIDGE_SECRETS_DIR=str(tmp_path))
    assert stopped.returncode == 1
    assert f"{tmp_path / 'BRIDGE_SHKEEPER_PASSWORD'} is empty" in stopped.stderr
