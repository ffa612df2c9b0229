"""What finance ops do about what needs a person: who may, what is written down, and who hears of it."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest

from providers.shkeeper.simulator.notices import compact, signed_headers
from tests.asking import client_of
from tests.bridge.http.exchanges import problem
from tests.conftest import BridgeProcess, StartBridge
from tests.played_shkeeper import KEY
from tests.waiting import wait_until

SECRET = "a secret of at least thirty-two bytes"
SILENT = {"ops": {"kind": "chat", "critical": "never", "warning": "never", "notice": "never"}}
HELD = "payouts-held:payouts"
CLAIMS: dict[str, dict[str, object]] = {
    "ada": {"staff": True},
    "bob": {"roles": ["ops-act"]},
    "eve": {"roles": ["ops-view"]},
    "buyer-1": {"requests": ["request-1"]},
}


@pytest.fixture(scope="module")
def bridge(make_bridge: StartBridge) -> BridgeProcess:
    return make_bridge(
        BRIDGE_ACCESS="jwt",
        BRIDGE_SHKEEPER_API_KEYS=KEY,
        BRIDGE_JWT_SECRETS=SECRET,
        BRIDGE_ALERTS=json.dumps(
            {"look_seconds": 0.1, "severities": {"payouts-held": "critical"}, "channels": SILENT}
        ),
        BRIDGE_ALERT_SECRET_OPS="https://127.0.0.1:9/hooks?key=k",
    )


@pytest.fixture(scope="module")
def people(bridge: BridgeProcess) -> Iterator[dict[str, httpx.Client]]:
    """Somebody of each kind, while no payout is sent."""
    with ExitStack() as stack:
        people = {}
        for sub, claims in CLAIMS.items():
            token = jwt.encode({"sub": sub, "exp": time.time() + 3600, **claims}, SECRET, "HS256")
            headers = {"Authorization": f"Bearer {token}"}
            people[sub] = stack.enter_context(client_of(bridge.url, headers=headers))
        people["ada"].post("/api/ops/hold", json={}).raise_for_status()
        yield people


def do(somebody: httpx.Client, what: str, **content: object) -> httpx.Response:
    return somebody.post(f"/api/ops/attention/{what}", json={"id": HELD, **content})


def listed(somebody: httpx.Client, **query: str) -> dict[str, Any]:
    answer = somebody.get("/api/ops/attention", params=query)
    assert answer.is_success, answer.text
    content: dict[str, Any] = answer.json()
    return content


def test_what_is_assigned_is_found_by_who_sees_to_it(people: dict[str, httpx.Client]) -> None:
    ada, eve = people["ada"], people["eve"]
    done = do(ada, "assignment", to="bob").json()
    assert (done["message"], done["action"]["by"]) == ("Assigned to bob.", "ada")
    assert (done["item"]["assignedTo"], done["item"]["severity"], done["item"]["state"]) == (
        "bob",
        "critical",
        "open",
    )
    assert [one["id"] for one in listed(eve, assignedTo="bob")["items"]] == [HELD]
    assert (listed(eve, assignedTo="ada")["items"], listed(eve, unassigned="true")["items"]) == ([], [])
    assert do(ada, "assignment", to=None).json()["item"]["assignedTo"] is None
    assert [one["id"] for one in listed(eve, unassigned="true")["items"]] == [HELD]


@pytest.fixture
def stray(people: dict[str, httpx.Client], request: pytest.FixtureRequest) -> Iterator[str]:
    """A webhook that nobody can read: what it is called on the list."""
    fields = {"crypto": "ETH-USDT", "addr": "0x1", "fiat": "USD", "balance_fiat": "50"}
    body = compact({**fields, "external_id": request.node.name[:40], "status": "ON_HOLD", "transactions": []})
    signed = signed_headers(KEY, body, datetime.now(UTC))
    assert people["ada"].post("/webhooks/shkeeper", content=body, headers=signed).status_code == 400
    [item_id] = [one["id"] for one in listed(people["ada"])["items"] if one["id"] != HELD]
    yield item_id
    people["ada"].post("/api/ops/attention/dismissal", json={"id": item_id, "note": "known"}).raise_for_status()


def test_what_is_snoozed_or_closed_is_elsewhere_until_it_is_reopened(
    people: dict[str, httpx.Client], stray: str
) -> None:
    bob = people["bob"]
    until = datetime.now(UTC) + timedelta(hours=1)
    assert do(bob, "snooze", id=stray, until=until.isoformat(), note="lunch").is_success
    assert ([one["id"] for one in listed(bob)["items"]], listed(bob)["elsewhere"]) == ([HELD], {"snoozed": 1})
    [item] = listed(bob, state="snoozed")["items"]
    assert datetime.fromisoformat(item["snoozedUntil"]) == until
    closed = do(bob, "closure", id=stray, note="known").json()["item"]
    assert (closed["state"], closed["closedBy"], closed["closeNote"]) == ("closed", "bob", "known")
    states = {one["id"]: one["state"] for one in listed(bob, state="all")["items"]}
    assert states == {HELD: "open", stray: "closed"}
    assert do(bob, "reopening", id=stray).json()["item"]["state"] == "open"
    assert {one["id"] for one in listed(bob)["items"]} == {HELD, stray}
    # On a machine that is slow the moment may be over before it is asked for.
    moments = (datetime.now(UTC) + timedelta(seconds=seconds) for seconds in (0.3, 5, 60))
    assert any(do(bob, "snooze", id=stray, until=until.isoformat()).is_success for until in moments)
    wait_until(lambda: [one["what"] for one in history(bob, stray)][-1] == "awake")


def test_nobody_puts_aside_what_says_something_else_than_what_they_have_seen(
    people: dict[str, httpx.Client], stray: str
) -> None:
    bob, until = people["bob"], (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    [mark] = [one["mark"] for one in listed(bob)["items"] if one["id"] == stray]
    for what, content in (("closure", {"note": "known"}), ("snooze", {"until": until})):
        refused = do(bob, what, id=stray, seen="another", **content)
        assert (refused.status_code, refused.json()["code"]) == (409, "changed_since")
        assert {one["id"]: one["state"] for one in listed(bob)["items"]}[stray] == "open"
        assert do(bob, what, id=stray, seen=mark, **content).is_success
        assert stray not in {one["id"] for one in listed(bob)["items"]}
        assert do(bob, "reopening", id=stray).is_success


def test_that_payouts_are_held_is_neither_snoozed_nor_closed(people: dict[str, httpx.Client]) -> None:
    bob, until = people["bob"], datetime.now(UTC) + timedelta(hours=1)
    for refused in (do(bob, "snooze", until=until.isoformat()), do(bob, "closure", note="known")):
        assert refused.status_code == 409
        assert "Resume payouts" in refused.json()["detail"]
    assert [one["state"] for one in listed(bob)["items"]] == ["open"]


def history(somebody: httpx.Client, item_id: str = HELD) -> list[dict[str, str]]:
    answer = somebody.get("/api/ops/attention/history", params={"id": item_id})
    steps: list[dict[str, str]] = answer.json()["steps"]
    return steps


def test_all_of_it_is_on_record_with_who_did_it(people: dict[str, httpx.Client]) -> None:
    ada = people["ada"]
    assert do(ada, "note", note="the wallet's people are asked").is_success
    step = history(people["eve"])[-1]
    assert (step["by"], step["what"], step["words"]) == ("ada", "noted", "the wallet's people are asked")
    [action] = ada.get("/api/ops/actions?limit=1").json()["actions"]
    assert (action["action"], action["subject"], action["by"]) == ("note", HELD, "ada")


@pytest.mark.parametrize("who", ["eve", "buyer-1"])
def test_who_may_only_look_acts_on_nothing(people: dict[str, httpx.Client], who: str) -> None:
    before = history(people["ada"])
    for what, content in {
        "assignment": {"to": who},
        "note": {"note": "x"},
        "snooze": {"until": "2026-12-01T00:00:00Z"},
        "closure": {"note": "x"},
        "reopening": {},
    }.items():
        assert do(people[who], what, **content).status_code in (400, 403)
    assert history(people["ada"]) == before
    may_look = people[who].get("/api/ops/attention").is_success
    assert may_look == people[who].get(f"/api/ops/attention/history?id={HELD}").is_success == (who == "eve")


def test_staff_hear_of_it_and_nobody_else(people: dict[str, httpx.Client]) -> None:
    do(people["ada"], "note", note="heard").raise_for_status()
    events = people["eve"].get("/api/events?room=ops").json()["events"]
    told = [one["data"] for one in events if one["event"] == "attention-updated"]
    assert (told[0]["id"], told[0]["severity"]) == (HELD, "critical")
    assert told[-1]["what"] == "noted"
    assert "heard" not in json.dumps(told)
    assert people["buyer-1"].get("/api/events?room=ops").status_code == 403
    for query in ("everyone=true", "room=user-buyer-1", "room=buyers", "room=request-1"):
        assert "attention" not in people["buyer-1"].get(f"/api/events?{query}").text


@pytest.mark.parametrize(
    ("what", "content", "field"),
    [
        ("snooze", {"until": "2020-01-01T00:00:00Z"}, "until"),
        ("snooze", {"until": "2999-01-01T00:00:00Z"}, "until"),
        ("snooze", {"until": "2030-01-01T00:00:00"}, "until"),
        ("closure", {}, "note"),
        ("note", {"note": "two\nlines"}, "note"),
        ("assignment", {"to": "x\u202e"}, "to"),
        ("assignment", {"to": "The  Bridge"}, "to"),
        ("assignment", {"to": "bob", "by": "the bridge"}, "by"),
    ],
)
def test_what_makes_no_sense_is_named(
    people: dict[str, httpx.Client], what: str, content: dict[str, object], field: str
) -> None:
    assert problem(do(people["ada"], what, **content), 400)["errors"][0]["field"] == field


def test_a_note_of_two_lines_is_refused_in_words(people: dict[str, httpx.Client]) -> None:
    detail = problem(do(people["ada"], "note", note="two\nlines"), 400)["detail"]
    assert detail == "note: expected one line of text, with no line breaks or other control characters in it"


@pytest.mark.parametrize("note", ["\u200b", "\u3164\u2060", " - … "])
def test_a_note_says_something(people: dict[str, httpx.Client], note: str) -> None:
    detail = problem(do(people["ada"], "note", note=note), 400)["detail"]
    assert detail == "note: expected at least one letter or digit"


def test_what_needs_nobody_cannot_be_handled(people: dict[str, httpx.Client]) -> None:
    answer = people["ada"].post("/api/ops/attention/note", json={"id": "payout-failed:out_1", "note": "x"})
    assert problem(answer, 404)["detail"] == "'payout-failed:out_1' needs nobody."


def test_a_start_warns_of_a_channel_that_hears_nothing(bridge: BridgeProcess) -> None:
    assert "alerts.channels.ops is never told of anything" in bridge.log.read_text()


def test_the_figures_count_it_by_how_bad_it_is(people: dict[str, httpx.Client]) -> None:
    wait_until(lambda: 'bridge_alerts{severity="critical",state="open"} 1.0' in people["ada"].get("/metrics").text)
