"""Grants that tokens do not name: the marketplace is asked for them, when a client joins and over REST."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from coordinator.endpoints.signing import new_secret
from tests.answering_server import Asked, answering_requests
from tests.asking import get, post
from tests.conftest import BridgeProcess, StartBridge
from tests.system.conftest import Listener, StartListener
from tests.system.test_grants import SECRET, bearer
from tests.system.test_revoked_access import SERVICES, asked, change, new_token, old_token, read, write
from tests.waiting import wait_until

SHOP = "the-token-of-the-marketplace"
SERVICES_AND_SHOP = f'''
{SERVICES}
[shop]
token = "{SHOP}"
registers = ["payments"]
'''


@dataclass
class Marketplace:
    """What it grants to whom, and what it was asked."""

    secret: str = field(default_factory=new_secret)
    granted: dict[str, set[str]] = field(default_factory=dict)
    asked: list[tuple[str, list[str]]] = field(default_factory=list)
    is_down: bool = False

    def answer(self, question: Asked) -> tuple[int, Any] | None:
        headers = {name.lower(): value for name, value in question.headers.items()}
        said = Webhook(self.secret).verify(question.body, headers)["data"]
        self.asked.append((said["userId"], said["rooms"]))
        if self.is_down:
            return 503, {}
        return 200, {"rooms": [room for room in said["rooms"] if room in self.granted.get(said["userId"], ())]}


@pytest.fixture(scope="module")
def shop() -> Marketplace:
    return Marketplace()


@pytest.fixture
def marketplace(shop: Marketplace) -> Iterator[Marketplace]:
    """One that is up, and has not been asked anything."""
    shop.asked.clear()
    yield shop
    shop.is_down = False


@pytest.fixture(scope="module")
def bridge(
    make_bridge: StartBridge, shop: Marketplace, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BridgeProcess]:
    folder = tmp_path_factory.mktemp("secrets")
    (folder / "services.toml").write_text(SERVICES_AND_SHOP)
    (folder / "grants.secret").write_text(shop.secret)
    with answering_requests(shop.answer) as url:
        yield make_bridge(
            BRIDGE_ACCESS="jwt",
            BRIDGE_JWT_SECRETS=SECRET,
            BRIDGE_JWT_LEEWAY_SECONDS="0",
            BRIDGE_SERVICES_FILE=str(folder / "services.toml"),
            BRIDGE_GRANTS=json.dumps({"url": url, "secret_file": str(folder / "grants.secret")}),
        )


def joined(client: Listener, chat_id: str) -> str:
    """`ok`, or the code of the refusal."""
    answer = asked(client, "join-chat-room", chat_id)
    return "ok" if answer["ok"] else answer["error"]["code"]


def test_a_room_is_joined_typed_in_and_looked_up_that_the_marketplace_grants(
    bridge: BridgeProcess, marketplace: Marketplace, listen: StartListener
) -> None:
    marketplace.granted["u1"] = {"chat-c1"}
    client = listen(bridge.url, [], old_token("u1"))
    typing = {"chatId": "c1", "userId": "u1", "userName": "Ann"}
    assert asked(client, "typing-start", typing)["error"]["code"] == "not_allowed"
    assert joined(client, "c1") == "ok"
    assert asked(client, "typing-start", typing)["ok"]
    write(bridge, "c1", "hello")
    client.wait_for(lambda line: "event" in line and "hello" in str(line["args"]))
    assert joined(client, "c2") == "not_allowed"
    assert asked(client, "join-user-room", "u2")["error"]["code"] == "not_allowed"
    assert marketplace.asked == [("u1", ["chat-c1"]), ("u1", ["chat-c2"])]
    statuses = {
        path: get(f"{bridge.url}/api/{path}", headers=bearer(old_token("u1"))).status_code
        for path in ("chats/c1/messages", "chats/c2/messages", "events?room=chat-c1", "events?room=user-u2")
    }
    assert list(statuses.values()) == [200, 403, 200, 403]


def test_what_nobody_can_be_asked_about_is_refused_for_now(
    bridge: BridgeProcess, marketplace: Marketplace, listen: StartListener
) -> None:
    marketplace.granted["u2"] = {"chat-c1"}
    client = listen(bridge.url, [], old_token("u2"))
    marketplace.is_down = True
    assert joined(client, "c1") == "unavailable"
    answer = get(f"{bridge.url}/api/chats/c1/messages", headers=bearer(old_token("u2")))
    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
    assert "grants: it answers 503" in get(f"{bridge.url}/health/ready").text
    marketplace.is_down = False
    assert joined(client, "c1") == "ok"


def test_what_is_taken_back_is_taken_whatever_was_answered_before(
    bridge: BridgeProcess, marketplace: Marketplace, listen: StartListener
) -> None:
    marketplace.granted["u3"] = {"chat-c3"}
    client = listen(bridge.url, [["join-user-room", "u3"]], old_token("u3"))
    other = listen(bridge.url, [["join-chat-room", "c3"]], old_token("u9", chats=["c3"]))
    assert joined(client, "c3") == "ok"
    marketplace.granted["u3"] = set()
    assert change(bridge, "room_revoked", userId="u3", room="chat-c3").status_code == 200
    client.wait_for(lambda line: line.get("event") == "access-changed")
    write(bridge, "c3", "unheard")
    other.wait_for(lambda line: "event" in line and "unheard" in str(line["args"]))
    client.fence()
    assert read(client) == []
    # Also where the marketplace has not heard of it.
    marketplace.granted["u3"] = {"chat-c3"}
    paths = ("chats/c3/messages", "events?room=chat-c3")
    assert [get(f"{bridge.url}/api/{path}", headers=bearer(old_token("u3"))).status_code for path in paths] == [
        403
    ] * 2
    assert joined(client, "c3") == "not_allowed"
    marketplace.granted["u3"] = set()
    # With a token from after that it is the marketplace that counts: its answer from before is forgotten.
    later = listen(bridge.url, [], new_token("u3"))
    assert joined(later, "c3") == "not_allowed"
    marketplace.granted["u3"] = {"chat-c3"}
    assert change(bridge, "room_restored", userId="u3", room="chat-c3").status_code == 200
    wait_until(lambda: joined(later, "c3") == "ok")


def test_a_client_that_was_cut_off_gets_back_what_it_may_still_have(
    bridge: BridgeProcess, marketplace: Marketplace, listen: StartListener
) -> None:
    marketplace.granted["u4"] = {"chat-c4", "chat-c5"}
    client = listen(bridge.url, [["join-chat-room", "c4"], ["join-chat-room", "c5"]], old_token("u4"))
    client.close_engine()
    assert client.wait_for(lambda line: "ready" in line)["recovered"] is True
    write(bridge, "c4", "hello")
    client.wait_for(lambda line: "event" in line and "hello" in str(line["args"]))
    bridge.kill()
    bridge.start()
    assert client.wait_for(lambda line: "ready" in line)["recovered"] is True
    # After a restart nothing is remembered, so that the marketplace is asked for all of them at once.
    assert marketplace.asked[-1] == ("u4", ["chat-c4", "chat-c5"])
    answer = asked(client, "refresh-token", {"token": new_token("u4")})
    assert answer["ok"], answer
    marketplace.granted["u4"] = {"chat-c5"}
    bridge.kill()
    bridge.start()
    assert client.wait_for(lambda line: "ready" in line)["recovered"] is False
    assert (joined(client, "c4"), joined(client, "c5")) == ("not_allowed", "ok")


def test_a_new_token_keeps_the_rooms_that_the_marketplace_grants(
    bridge: BridgeProcess, marketplace: Marketplace, listen: StartListener
) -> None:
    marketplace.granted["u5"] = {"chat-c6"}
    client = listen(bridge.url, [["join-chat-room", "c6"], ["join-chat-room", "c7"]], old_token("u5", chats=["c7"]))
    assert asked(client, "refresh-token", {"token": new_token("u5")})["ok"]
    write(bridge, "c7", "unheard")
    write(bridge, "c6", "heard")
    client.wait_for(lambda line: "event" in line and "heard" in str(line["args"]))
    assert read(client) == ["heard"]


def test_a_payment_is_seen_by_whoever_has_a_part_in_its_request(
    bridge: BridgeProcess, marketplace: Marketplace
) -> None:
    def seen(user_id: str) -> list[str]:
        answer = get(f"{bridge.url}/api/payments?requestId=r1", headers=bearer(old_token(user_id)))
        by_id = get(f"{bridge.url}/api/payments/{payment_id}", headers=bearer(old_token(user_id)))
        found = [one["paymentId"] for one in answer.raise_for_status().json()["payments"]]
        assert (by_id.status_code == 200) == bool(found)
        return found

    sale = {"provider": "shkeeper", "externalId": "e1", "requestId": "r1", "buyerId": "b1", "sellerId": "s1"}
    answer = post(
        f"{bridge.url}/api/payments", json=sale | {"amount": "9.90", "currency": "USD"}, headers=bearer(SHOP)
    )
    payment_id = answer.raise_for_status().json()["paymentId"]
    marketplace.granted["u6"] = {"request-r1"}
    assert seen("u6") == seen("b1") == [payment_id]
    assert seen("u7") == []
    assert change(bridge, "room_revoked", userId="u6", room="request-r1").status_code == 200
    wait_until(lambda: seen("u6") == [])
    assert {user_id for user_id, _ in marketplace.asked} == {"u6", "u7", "b1"}
