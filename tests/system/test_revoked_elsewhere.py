"""Tokens and rooms that were revoked at one bridge, while another of the journal was cut off from the database or
stood still: for whoever has lost their access that one does nothing, and shows and tells them nothing of later."""

import http.client
import json
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest

from tests.asking import get, post
from tests.conftest import BridgeProcess, StartBridge
from tests.postgresql import journal_cluster
from tests.system.conftest import StartListener
from tests.system.cut_line import CutLine
from tests.system.test_grants import SECRET, bearer
from tests.system.test_revoked_access import SERVICES, change, old_token, read, write
from tests.waiting import GIVE_UP_SECONDS, wait_until

SHOP = "the-token-of-the-marketplace"
SERVICES_AND_SHOP = f"""
{SERVICES}
[shop]
token = "{SHOP}"
registers = ["payments"]
"""


@dataclass(frozen=True, slots=True)
class Pair:
    here: BridgeProcess
    """Where tokens are brought, and nothing is heard of what was revoked."""
    there: BridgeProcess
    line: CutLine
    """From the first to PostgreSQL."""

    def cut_off(self) -> None:
        self.line.fall_silent()

    def join_again(self) -> None:
        self.line.open()

    def pause(self) -> None:
        self.here.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.here.process.send_signal(signal.SIGCONT)


FAULTS: Mapping[str, tuple[Callable[[Pair], None], Callable[[Pair], None]]] = {
    "cut off": (Pair.cut_off, Pair.join_again),
    "paused": (Pair.pause, Pair.go_on),
}


@pytest.fixture(scope="module")
def pair(make_bridge: StartBridge, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    services = tmp_path_factory.mktemp("services") / "services.toml"
    services.write_text(SERVICES_AND_SHOP)
    with journal_cluster() as cluster:
        line, url = CutLine(cluster.port), cluster.journal_url()
        variables = {
            "BRIDGE_ACCESS": "jwt",
            "BRIDGE_JWT_SECRETS": SECRET,
            "BRIDGE_JWT_LEEWAY_SECONDS": "0",
            "BRIDGE_SERVICES_FILE": str(services),
        }
        here = make_bridge(BRIDGE_DATABASE_URL=url.replace(str(cluster.port), str(line.port)), **variables)
        there = make_bridge(BRIDGE_DATABASE_URL=url, **variables)
        yield Pair(here, there, line)
        here.kill()
        line.close()


class Asked:
    """A request that is on its way, whose answer is read later."""

    def __init__(self, bridge: BridgeProcess, method: str, path: str, token: str, body: Any = None) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", bridge.port, timeout=GIVE_UP_SECONDS)
        headers = {**bearer(token), "Content-Type": "application/json"}
        self._connection.request(method, path, None if body is None else json.dumps(body), headers)

    def answer(self) -> tuple[int, str]:
        with closing(self._connection):
            answer = self._connection.getresponse()
            return answer.status, answer.read().decode()


def registered(there: BridgeProcess, name: str) -> str:
    body = {
        "provider": "shkeeper",
        "externalId": name,
        "requestId": name,
        "buyerId": "b",
        "sellerId": "s",
        "amount": "10.00",
        "currency": "USD",
    }
    answer = post(f"{there.url}/api/payments", json=body, headers=bearer(SHOP))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["paymentId"])


@pytest.mark.parametrize("by", ["tokens_revoked", "token_revoked"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_revoked_token_neither_acts_nor_reads_nor_hears_what_came_later(
    pair: Pair, listen: StartListener, fault: str, by: str
) -> None:
    here, there = pair.here, pair.there
    name = f"{fault}-{by}".replace(" ", "-")
    chat, user, staff, victim = f"c-{name}", f"u-{name}", f"st-{name}", f"v-{name}"
    its, of_staff = old_token(user, chats=[chat], jti=user), old_token(staff, staff=True, jti=staff)
    payment_id = registered(there, name)
    client = listen(here.url, [["join-chat-room", chat]], its)
    witness = listen(here.url, [["join-chat-room", chat]], old_token("w", chats=[chat]))
    at_staff = listen(here.url, [["join-ops-room"]], of_staff)
    write(there, chat, "before")
    for one in (client, witness):
        one.wait_for(lambda line: "event" in line and "before" in str(line["args"]))

    begin, end = FAULTS[fault]
    begin(pair)
    try:
        for user_id in (user, staff):
            what = {"userId": user_id} if by == "tokens_revoked" else {"tokenId": user_id}
            assert change(there, by, **what).status_code == 200
        write(there, chat, "after")
        note = {"note": "by the thief"}
        acts = [
            Asked(here, "POST", f"/api/ops/payments/{payment_id}/acceptance", of_staff, note),
            Asked(here, "POST", "/api/ops/hold", of_staff, note),
            Asked(here, "POST", "/api/ops/access", of_staff, {"change": "tokens_revoked", "userId": victim, **note}),
        ]
        reads = [
            Asked(here, "GET", f"/api/chats/{chat}/messages", its),
            Asked(here, "GET", f"/api/events?room=chat-{chat}", its),
            Asked(here, "GET", "/api/events?all=true", of_staff),
            Asked(here, "GET", f"/api/ops/payments/{payment_id}", of_staff),
        ]
        if fault == "cut off":
            # Whoever came before this has been let in, and waits for the database.
            assert get(f"{here.url}/health/live").status_code == 200
    finally:
        end(pair)
    for request in (*acts, *reads):
        status, text = request.answer()
        assert (status, json.loads(text)["code"]) == (401, "token_revoked")
    witness.wait_for(lambda line: "event" in line and "after" in str(line["args"]))
    for one in (client, at_staff):
        ended = one.wait_for(lambda line: line.get("event") == "session-ended")
        assert ended["args"][0]["reason"] == "token_revoked"
        assert one.wait_for(lambda line: "connectError" in line)["data"] == {"code": "token_revoked"}
        assert not any("after" in str(line) for line in one.heard)
    assert read(client) == ["before"]
    payment = get(f"{there.url}/api/payments/{payment_id}", headers=bearer(SHOP)).json()
    assert payment["status"] == "pending"
    actions = get(f"{there.url}/api/ops/actions", headers=bearer(old_token("f1", staff=True))).json()["actions"]
    assert staff not in [action["by"] for action in actions]
    good = get(f"{there.url}/api/events?room=user-{victim}", headers=bearer(old_token(victim)))
    assert good.status_code == 200


@pytest.mark.parametrize("fault", FAULTS)
def test_what_came_after_a_room_was_revoked_is_not_read(pair: Pair, fault: str) -> None:
    here, there = pair.here, pair.there
    user = f"r-{fault}".replace(" ", "-")
    its = old_token(user, chats=[user, "other"])
    begin, end = FAULTS[fault]
    begin(pair)
    try:
        assert change(there, "room_revoked", userId=user, room=f"chat-{user}").status_code == 200
        write(there, user, "after")
        reads = [Asked(here, "GET", f"/api/chats/{user}/messages", its) for _ in range(2)]
        if fault == "cut off":
            assert get(f"{here.url}/health/live").status_code == 200
    finally:
        end(pair)
    for one in reads:
        status, text = one.answer()
        assert status in (403, 503), text
        assert "after" not in text
    url = f"{here.url}/api/chats/{user}/messages"
    wait_until(lambda: get(url, headers=bearer(its)).status_code == 403)
    # The rest of what the token grants it grants still.
    assert get(f"{here.url}/api/chats/other/messages", headers=bearer(its)).status_code == 200
