"""What needs a person, as endpoints are told of it: every kind there is, when it begins and when it ends."""

import asyncio
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bridge.journal import Journal
from coordinator.attention.items import BY_URGENCY, Attention, Kind
from coordinator.attention.severities import Severities
from tests.bridge.workers.endpoints.test_endpoints import Receiver, receiving, register, sending
from tests.documented import chapters_of
from tests.waiting import until

SEVERITIES = Severities({})
SINCE = datetime(2026, 11, 24, 12, tzinfo=UTC)

Told = Mapping[str, Sequence[dict[str, Any]]]
"""What was sent of each kind, in its order."""


def item(kind: Kind) -> Attention:
    return Attention(
        kind=kind,
        subject=f"subject-of-{kind}",
        title=f"Somebody has to look at {kind}",
        detail="in detail",
        advice="look at it",
        since=SINCE,
        payment_id=f"pay_{kind}",
        payout_id=f"out_{kind}",
    )


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """What an endpoint is sent while something of every kind begins to need a person, and ends."""
    with receiving() as receiver:
        asyncio.run(_one_of_each(tmp_path_factory.mktemp("journal"), receiver))
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for message in receiver.came:
            found[message["data"]["kind"]].append(message)
        return found


async def _one_of_each(folder: Path, receiver: Receiver) -> None:
    journal = await Journal.open(f"sqlite:///{folder / 'journal.db'}")
    await register(journal, receiver, "attention-updated")
    items = [item(kind) for kind in BY_URGENCY]
    async with sending(journal):
        await journal.alerts.observe(items, (), SEVERITIES)
        await until(lambda: len(receiver.came) == len(items))
        await journal.alerts.observe((), [one.key for one in items], SEVERITIES)
        await until(lambda: len(receiver.came) == 2 * len(items))
    await journal.close()


def documented_fields() -> set[str]:
    """Those that docs/reference.md names."""
    row = re.search(
        r"^\| `attention-updated` \|.*?`\{ (.*?) \}`", chapters_of("reference.md")["Events"], re.MULTILINE
    )
    assert row is not None
    return set(row[1].split(", "))


@pytest.mark.parametrize("kind", BY_URGENCY)
def test_an_endpoint_is_told_of_every_kind_by_the_fields_that_are_documented(told: Told, kind: Kind) -> None:
    began, ended = told[kind]
    assert began["type"] == ended["type"] == "attention-updated"
    assert set(began["data"]) == set(ended["data"]) == documented_fields()
    said = {name: value for name, value in began["data"].items() if name != "at"}
    assert said == {
        "id": f"{kind}:subject-of-{kind}",
        "kind": kind,
        "severity": SEVERITIES.of(kind).value,
        "state": "open",
        "what": "opened",
        "title": f"Somebody has to look at {kind}",
        "paymentId": f"pay_{kind}",
        "payoutId": f"out_{kind}",
        "assignedTo": None,
        "snoozedUntil": None,
    }
    assert (ended["data"]["what"], ended["data"]["state"], ended["data"]["id"]) == ("ended", "ended", said["id"])
    assert began["id"] != ended["id"]
