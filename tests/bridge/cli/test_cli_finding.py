"""Commands that talk to a running bridge: they find the one that the same settings would start."""

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.cli.address import reachable_url

KEY = "a-key-for-tests-only-0123456789"
NOBODY = "http://127.0.0.1:9"
ASKING = (
    ("payouts", "hold", "--by", "ada"),
    ("endpoints", "list"),
    ("simulate", "shkeeper", "--key", KEY, "--pause", "0", "--scenario", "paid"),
    ("listen", "--for", "0"),
)


@pytest.fixture(scope="module")
def bridge(make_bridge: Any) -> Any:
    return make_bridge(BRIDGE_SHKEEPER_API_KEYS=KEY)


@pytest.mark.parametrize("command", ASKING, ids=lambda command: command[0])
def test_the_port_of_the_environment_is_asked(run: Any, bridge: Any, command: tuple[str, ...]) -> None:
    asked = run(*command, BRIDGE_PORT=str(bridge.port))
    assert asked.returncode == 0, asked.stderr


@pytest.mark.parametrize("command", ASKING, ids=lambda command: command[0])
def test_the_file_of_settings_counts_and_after_it_what_is_said(
    run: Any, bridge: Any, tmp_path: Path, command: tuple[str, ...]
) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(f'host = "0.0.0.0"\nopen_to_network = true\nport = {bridge.port}\n')
    asked = run(*command, "--config", str(settings))
    assert asked.returncode == 0, asked.stderr
    elsewhere = {"BRIDGE_CONFIG": str(settings), "BRIDGE_URL": NOBODY}
    by_variable = run(*command, **elsewhere)
    assert (by_variable.returncode, f"no bridge answers at {NOBODY} (" in by_variable.stderr) == (1, True)
    by_option = run(*command, "--url", bridge.url, **elsewhere)
    assert by_option.returncode == 0, by_option.stderr


def test_what_an_option_would_say_is_asked_for_by_its_name(run: Any, bridge: Any) -> None:
    nobody = run("payouts", "reject", "out_1", "--note", "no", "--url", bridge.url)
    assert (nobody.returncode, "give it with --by" in nobody.stderr) == (1, True)
    none_yet = run("endpoints", "list", "--url", bridge.url)
    assert (none_yet.returncode, none_yet.stdout, "no endpoint yet" in none_yet.stderr) == (0, "", True)


def test_a_token_that_is_none_is_not_quoted(run: Any, bridge: Any) -> None:
    refused = run("payouts", "hold", "--url", bridge.url, BRIDGE_TOKEN="sécret\nsecret")
    assert (refused.returncode, "BRIDGE_TOKEN is no token" in refused.stderr) == (1, True)
    assert "cret" not in refused.stderr


def test_settings_that_start_no_bridge_find_none(run: Any, bridge: Any) -> None:
    wrong = {"BRIDGE_RETENTION_DAYS": "soon"}
    lost = run("payouts", "hold", **wrong)
    assert lost.returncode == 1
    assert "retention_days: " in lost.stderr
    assert "with --url or in BRIDGE_URL" in lost.stderr
    assert run("payouts", "hold", "--by", "ada", BRIDGE_URL=bridge.url, **wrong).returncode == 0
    anywhere = run("payouts", "hold", BRIDGE_PORT="0")
    assert (anywhere.returncode, "takes any that is free" in anywhere.stderr) == (1, True)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8001"),
        ("0.0.0.0", "http://127.0.0.1:8001"),
        ("::", "http://[::1]:8001"),
        ("192.0.2.7", "http://192.0.2.7:8001"),
        ("localhost", "http://localhost:8001"),
    ],
)
def test_who_listens_on_every_address_is_asked_on_loopback(host: str, url: str) -> None:
    assert reachable_url(host, 8001) == url


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("payouts", "hold", "--url", NOBODY), 1, "no bridge answers at"),
        (("listen", "--url", NOBODY), 1, "no bridge answers at"),
        (("endpoints", "add", "https://shop.example/hook"), 2, "name one --event or several"),
        (("payouts", "reject"), 2, "Missing argument"),
        (("restore", "nothing.db"), 1, "there is no backup"),
        (("backup", "nothing.db"), 1, "there is no journal"),
        (("token", "make", "--user", "b1"), 1, "no secret to sign with"),
        (("token", "make", "--user", " "), 2, "name whose token it is"),
        (("config", "--nonsense"), 2, "--nonsense"),
        (("nonsense",), 2, "there is no command"),
    ],
)
def test_what_is_wrong_is_one_json_object_where_json_was_asked_for(
    run: Any, arguments: tuple[str, ...], code: int, words: str
) -> None:
    failed = run(*arguments, "--json")
    assert (failed.returncode, failed.stdout) == (code, "")
    [line] = failed.stderr.splitlines()
    told = json.loads(line)
    assert told.keys() == {"error"}
    assert words in told["error"]
    for_people = run(*arguments)
    assert (for_people.returncode, for_people.stdout) == (code, "")
    assert not for_people.stderr.startswith("{")


def test_a_token_is_made_for_a_program(run: Any) -> None:
    keys = {"BRIDGE_ACCESS": "jwt", "BRIDGE_JWT_SECRETS": "a secret of at least thirty-two bytes"}
    made = json.loads(run("token", "make", "--user", "b1", "--json", **keys).stdout)
    read = json.loads(run("token", "read", "--json", BRIDGE_TOKEN=made["token"], **keys).stdout)
    assert made == {"token": made["token"], **{name: read[name] for name in ("user", "expires", "id")}}
    nothing = run("token", "read", **keys)
    assert (nothing.returncode, "put it into BRIDGE_TOKEN" in nothing.stderr) == (1, True)
