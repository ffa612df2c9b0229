"""By what bridges of one journal tell that they have the same settings, and what they say where they have not."""

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bridge.catalogue.system import NodeStatus
from bridge.journal import Journal
from bridge.journal.liveness import LEASE
from bridge.settings import load_settings
from bridge.settings_fingerprint import SettingsFingerprint
from bridge.workers.health.neighbours import Neighbours, SelfReport, differing
from tests.waiting import until

KEY = "a-key-that-nobody-guesses"


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in os.environ:
        if name.startswith("BRIDGE_") or name == "FRONTEND_URL":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def digests(**settings: Any) -> Mapping[str, str]:
    return SettingsFingerprint(load_settings(**settings)).digests()


def test_what_each_has_for_itself_makes_no_difference() -> None:
    own: dict[str, Any] = {"port": 1, "database_url": "postgresql://one/journal", "log_level": "debug"}
    assert digests(**own) == digests()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("presence_to", "watchers"),
        ("shkeeper_api_keys", KEY),
        ("shkeeper_url", "https://pay.example.com"),
        ("messages_per_second", 7),
        ("paid_tolerance_percent", "7"),
    ],
)
def test_what_has_to_be_alike_is_named_and_not_told(name: str, value: Any) -> None:
    other = digests(**{name: value})
    assert differing(digests(), other) == [name]
    assert KEY not in json.dumps(other)


def test_of_a_file_counts_what_it_says_and_not_where_it_is(tmp_path: Path) -> None:
    for name, key in (("one", KEY), ("two", KEY), ("three", "another")):
        (tmp_path / name).write_text(key)
    one, two, three = (digests(jwt_secrets_file=tmp_path / name) for name in ("one", "two", "three"))
    assert differing(one, two) == []
    assert differing(one, three) == ["jwt_secrets_file"]


def test_what_stands_in_a_file_is_read_each_time_and_nothing_else(tmp_path: Path) -> None:
    secrets, password = tmp_path / "secrets", tmp_path / "password"
    secrets.write_text(KEY)
    password.write_text("one")
    mail = {"kind": "mail", "host": "mail.example.com", "sender": "a@example.com", "to": ["b@example.com"]}
    channels = {"people": mail | {"password_file": password}}
    agreement = SettingsFingerprint(load_settings(jwt_secrets_file=secrets, alerts={"channels": channels}))
    before = agreement.digests()
    assert all(agreement.digests()[name] is before[name] for name in ("version", "chains", "presence_to"))
    secrets.write_text("another")
    password.write_text("two")
    assert differing(before, agreement.digests()) == ["alerts", "jwt_secrets_file"]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_bridge_says_in_what_another_differs_until_that_is_gone(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    here, there = [await Journal.open(database_url, is_shared=True) for _ in range(2)]
    status = NodeStatus(
        name="there:8000",
        version="1",
        started_at="2026-05-01T00:00:00.000Z",
        connections=0,
        turned_away=0,
        events_per_second=0,
        deliveries_per_second=0,
        memory_mb=0,
        is_stopping=False,
    )
    said = SelfReport(**dict(status), settings={"presence_to": "1234", "version": "1"})
    await there.nodes.take((), LEASE, report=said.model_dump_json(by_alias=True))
    own = {"presence_to": "5678", "version": "1", "new": "1"}
    neighbours = Neighbours(here.nodes, settings=lambda: own, clock=lambda: here.clock())
    looking = asyncio.create_task(neighbours.run())
    trouble = await until(neighbours.trouble)
    assert trouble == "bridges of this journal have other settings than this one: there:8000 (presence_to)"
    assert caplog.text.count("give all of them the same") == 1
    looking.cancel()
    ahead = Neighbours(here.nodes, settings=lambda: own, clock=lambda: here.clock() + LEASE)
    ahead._see(await here.nodes.reports())
    assert ahead.trouble() is None
    for journal in (here, there):
        await journal.close()
