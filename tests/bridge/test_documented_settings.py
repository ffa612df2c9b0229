"""The settings that docs/ shows are ones that a bridge takes."""

import json
import os
import re
import tomllib
from pathlib import Path

import jwt
import pytest

from bridge.access import Claims
from bridge.access.service_tokens import WatchedServices
from bridge.settings import all_settings, load_settings
from tests.documented import Block, blocks_of

ROOT = Path(__file__).parents[2]
OF_THE_BRIDGE = {
    ("access.md", "Tokens of users"): {},
    ("operations.md", "Alerts"): {},
    ("operations.md", "Signing in to the console"): {},
    ("shkeeper.md", "Settings"): {
        "BRIDGE_SHKEEPER_API_KEYS": "a-key-for-tests-only-0123456789",
        "BRIDGE_SHKEEPER_PASSWORD": "the-operators-password",
    },
}
FILES = re.compile(r'"(/etc/bridge/[\w.]+)"')


@pytest.fixture(autouse=True)
def nothing_else_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("BRIDGE_") or name == "FRONTEND_URL"]:
        monkeypatch.delenv(name)


def settings_of(page: str, chapter: str) -> Block:
    return next(one for one in blocks_of(page, chapter) if re.match(r"\[|\w+ = ", one.text))


@pytest.mark.parametrize(("page", "chapter"), OF_THE_BRIDGE)
def test_settings_that_are_shown_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str, chapter: str
) -> None:
    text = settings_of(page, chapter).text
    for name in FILES.findall(text):
        file = tmp_path / Path(name).name
        file.write_text('{"keys": []}' if name.endswith(".json") else "a secret of at least thirty-two bytes")
        text = text.replace(name, str(file))
    for variable, value in OF_THE_BRIDGE[page, chapter].items():
        monkeypatch.setenv(variable, value)
    path = tmp_path / "bridge.toml"
    path.write_text(text)
    settings = load_settings(path)
    for name in tomllib.loads(text):
        assert name in settings.model_fields_set


def test_a_chain_that_is_shown_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoints, table = (block.text for block in blocks_of("onchain.md", "Chains"))
    name, _, value = endpoints.strip().partition("=")
    monkeypatch.setenv(name, value.strip('"'))
    chains = tmp_path / "chains.toml"
    chains.write_text(table)
    ethereum = load_settings(None, chains_file=chains).chains["ethereum"]
    named = [one.get_secret_value() for one in ethereum.endpoints]
    assert named == ["https://rpc.example/key", "wss://other.example/key"]
    assert "DAI" in [token.symbol for token in ethereum.tokens]


def test_a_service_that_is_shown_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "services.toml"
    file.write_text(settings_of("services.md", "Who may publish what").text)
    assert len(WatchedServices(file).now()) == 1


def test_the_claims_that_are_shown_are_those_of_a_token() -> None:
    _, claims = blocks_of("access.md", "Tokens of users")
    said = json.loads(claims.text)
    secret = "a secret of at least thirty-two bytes"
    token = jwt.encode(said, secret, "HS256")
    read = jwt.decode(token, secret, ["HS256"], audience=said["aud"], options={"verify_exp": False})
    assert Claims.model_validate(read).sub == "u-17"


def test_every_target_of_make_that_is_named_is_there() -> None:
    targets = set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    named = {
        (page.name, target)
        for page in pages
        for target in re.findall(r"(?:`|^ {4})make ([a-z][\w-]*)", page.read_text(), re.MULTILINE)
    }
    assert {target for _, target in named} >= {"run", "demo", "test", "bench", "soak"}
    assert {(page, target) for page, target in named if target not in targets} == set()


def test_of_every_limit_it_is_said_what_several_bridges_make_of_it() -> None:
    page = (ROOT / "docs" / "scaling.md").read_text()
    table = page.partition("## Limits")[2].partition("##")[0]
    limits = re.compile(r".*(_per_second|_per_address|_limit_bytes\w*|_limits)|max_connections|max_payload_bytes")
    named = {name for name in re.findall(r"`(\w+)`", table) if name in all_settings().model_fields}
    assert {name for name in all_settings().model_fields if limits.fullmatch(name)} <= named
