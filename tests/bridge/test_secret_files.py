"""Secret files: what an orchestrator brings as files counts like the environment, and nothing of it is shown."""

from pathlib import Path

import pytest

from bridge.secret_files import FOLLOWED, SecretFileError, adopt_secret_files
from bridge.settings import all_settings, variable_name

SECRET = "swordfish-swordfish-swordfish-swordfish"


@pytest.mark.parametrize("variable", ["BRIDGE_SECRETS_DIR", "CREDENTIALS_DIRECTORY"])
def test_files_are_taken_for_variables_of_their_names(tmp_path: Path, variable: str) -> None:
    (tmp_path / "bridge_database_url").write_text("postgresql://bridge:swordfish@db/bridge\n")
    (tmp_path / "BRIDGE_ALERT_SECRET_FINANCE").write_text(SECRET)
    (tmp_path / "tls.key").write_text("somebody else's")
    environment = {variable: str(tmp_path), "HOME": "/"}
    adopt_secret_files(environment)
    assert environment == {
        variable: str(tmp_path),
        "HOME": "/",
        "BRIDGE_DATABASE_URL": "postgresql://bridge:swordfish@db/bridge",
        "BRIDGE_ALERT_SECRET_FINANCE": SECRET,
    }


def test_a_folder_in_the_place_of_a_secret_is_named(tmp_path: Path) -> None:
    (tmp_path / "BRIDGE_SHKEEPER_API_KEYS").mkdir()
    with pytest.raises(SecretFileError, match="BRIDGE_SHKEEPER_API_KEYS is no file"):
        adopt_secret_files({"BRIDGE_SECRETS_DIR": str(tmp_path)})


def test_what_says_the_same_twice_is_no_fault_and_what_differs_is(tmp_path: Path) -> None:
    (tmp_path / "BRIDGE_JWT_SECRETS").write_text(SECRET)
    environment = {"BRIDGE_SECRETS_DIR": str(tmp_path), "BRIDGE_JWT_SECRETS": SECRET}
    adopt_secret_files(environment)
    with pytest.raises(SecretFileError, match="take one of them out") as refused:
        adopt_secret_files({**environment, "BRIDGE_JWT_SECRETS": "another"})
    assert SECRET not in str(refused.value)


def test_what_is_followed_is_named_and_not_copied(tmp_path: Path) -> None:
    (tmp_path / "bridge_jwt_secrets").write_text(SECRET)
    environment = {"BRIDGE_SECRETS_DIR": str(tmp_path)}
    adopt_secret_files(environment)
    assert environment == {
        "BRIDGE_SECRETS_DIR": str(tmp_path),
        "BRIDGE_JWT_SECRETS_FILE": str(tmp_path / "bridge_jwt_secrets"),
    }
    with pytest.raises(SecretFileError, match="take one of them out"):
        adopt_secret_files({"BRIDGE_SECRETS_DIR": str(tmp_path), "BRIDGE_JWT_SECRETS_FILE": "/etc/jwt.secrets"})


def test_what_is_followed_are_secrets_that_a_setting_names_a_file_of() -> None:
    known = {variable_name(name) for name in all_settings().model_fields}
    assert FOLLOWED
    assert all({secret, file} <= known and file == f"{secret}_FILE" for secret, file in FOLLOWED.items())


@pytest.mark.parametrize("content", [b"\xff\xfe" + SECRET.encode(), SECRET.encode() * 30_000])
def test_what_is_no_setting_is_refused_without_a_word_of_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "BRIDGE_JWT_SECRETS").write_bytes(content)
    with pytest.raises(SecretFileError) as refused:
        adopt_secret_files({"BRIDGE_SECRETS_DIR": str(tmp_path)})
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("named", ["", "/nowhere"])
def test_a_folder_that_is_named_must_be_there(named: str) -> None:
    with pytest.raises(SecretFileError, match="BRIDGE_SECRETS_DIR"):
        adopt_secret_files({"BRIDGE_SECRETS_DIR": named})
