"""Three bridges as one: what comes to any of them is heard at each, and who leaves one is recovered at another."""

import json
import signal
from typing import Any

import httpx

from tests.asking import client_of, get, post
from tests.system.conftest import Gateway, Listener, StartListener
from tests.system.nodes.conftest import Bridges
from tests.waiting import wait_until


def publish(url: str, number: int, room: str) -> None:
    """As a service does it: again until it is acknowledged, with a key of its own."""
    event = {"event": "purchase-request-update", "data": {"type": str(number), "requestId": room}}

    def is_kept() -> bool:
        try:
            answer = post(f"{url}/api/events", json=event, headers={"Idempotency-Key": f"{room}-{number}"})
        except httpx.TransportError:
            return False
        assert answer.status_code in (202, 502, 503, 504), answer.text
        return answer.status_code == 202

    wait_until(is_kept)


def numbers(listener: Listener) -> list[int]:
    return [int(args[0]["type"]) for name, args in listener.events if name == "purchase-request-update"]


def hears(listener: Listener, number: int) -> None:
    while number not in numbers(listener):
        listener.wait_for(lambda line: line.get("event") == "purchase-request-update")


def told(listener: Listener) -> list[tuple[str, Any]]:
    """Who came, went and typed."""
    return [
        (payload["userId"], payload["status"] if name == "user-status-change" else payload["isTyping"])
        for name, [payload, *_] in listener.events
        if name in ("user-status-change", "user-typing")
    ]


def is_told(listener: Listener, change: tuple[str, Any]) -> None:
    while change not in told(listener):
        listener.wait_for(lambda line: line.get("event") in ("user-status-change", "user-typing"))


def test_what_is_published_at_any_is_heard_at_each_in_one_order(bridges: Bridges, listen: StartListener) -> None:
    listeners = [listen(node.url, [["join-request-room", "news"]]) for node in bridges.nodes]
    for number in range(30):
        publish(bridges.nodes[number % 3].url, number, "news")
    for listener in listeners:
        hears(listener, 29)
        assert numbers(listener) == [*range(30)]


def test_a_feed_tells_at_any_what_each_commits_and_goes_on_at_another(bridges: Bridges) -> None:
    one, two, three = bridges.nodes
    query = "/api/events?all=true&after=now"
    with client_of(two.url) as client, client.stream("GET", query, headers={"Accept": "text/event-stream"}) as answer:
        lines = (line for line in answer.iter_lines() if line.startswith("id: "))
        begin = next(lines).removeprefix("id: ")
        for number, node in enumerate((one, two, three)):
            publish(node.url, number, "feed")
        heard = [next(lines).removeprefix("id: ") for _ in bridges.nodes]
    pages = [get(f"{node.url}/api/events", params={"all": "true", "after": begin}).json() for node in (one, three)]
    for page in pages:
        assert [event["offset"] for event in page["events"]] == heard
        assert [event["data"]["type"] for event in page["events"]] == ["0", "1", "2"]


def test_a_payment_is_one_wherever_it_is_asked_for(bridges: Bridges, listen: StartListener, gateway: Gateway) -> None:
    registering, paid, asked = bridges.nodes
    listener = listen(asked.url, [["join-request-room", "r1"]])
    registration = {
        "provider": "shkeeper",
        "externalId": "order-1",
        "requestId": "r1",
        "buyerId": "b1",
        "sellerId": "s1",
        "amount": "10",
        "currency": "USD",
    }
    answers = [
        post(f"{node.url}/api/payments", json=registration, headers={"Idempotency-Key": "k1"})
        for node in (registering, paid, asked)
    ]
    assert [answer.status_code for answer in answers] == [201, 200, 200]
    [payment_id] = {answer.json()["paymentId"] for answer in answers}
    body = gateway.invoice("order-1", [("0x01", 10)], 10)
    for node in (paid, registering, asked):
        assert post(f"{node.url}/webhooks/shkeeper", content=body, headers=gateway.headers(body)).status_code == 202
    listener.wait_for(lambda line: line.get("event") == "seller-offer-update")
    listener.fence()
    assert [name for name, _ in listener.events].count("seller-offer-update") == 1
    for node in bridges.nodes:
        payment = get(f"{node.url}/api/payments/{payment_id}").json()
        assert (payment["status"], payment["received"]) == ("completed", "10")


def test_who_is_online_and_types_at_one_is_so_at_each(bridges: Bridges, listen: StartListener) -> None:
    first, second, third = bridges.nodes
    chat = [["join-chat-room", "c1"]]
    watching = [listen(node.url, chat) for node in bridges.nodes]
    typing = {"chatId": "c1", "userId": "ann", "userName": "Ann"}
    ann = listen(first.url, [["user-online", "ann"], ["join-user-room", "ann"], *chat, ["typing-start", typing]])
    for listener in watching:
        is_told(listener, ("ann", True))
    other_device = listen(second.url, [["join-user-room", "ann"], ["user-online", "ann"]])
    ann.close()
    for listener in watching:
        is_told(listener, ("ann", False))
        listener.fence()
        # Who came is told with others who came meanwhile, so that typing may be heard of first.
        assert [change for _, change in told(listener) if isinstance(change, str)] == ["online"]
        assert [change for _, change in told(listener) if isinstance(change, bool)] == [True, False]
    for node in bridges.nodes:
        [user] = get(f"{node.url}/api/presence?userIds=ann").json()["users"]
        assert user["status"] == "online"
    other_device.close()
    for listener in watching:
        is_told(listener, ("ann", "offline"))
    for node in bridges.nodes:
        [user] = get(f"{node.url}/api/presence?userIds=ann").json()["users"]
        assert user["status"] == "offline"
    assert third.process.poll() is None


def test_who_was_at_a_node_that_is_killed_is_recovered_at_another(bridges: Bridges, listen: StartListener) -> None:
    clients = [
        listen(bridges.url, [["join-request-room", "n2"]], transports=transports)
        for transports in ("websocket", "polling", "polling,websocket") * 2
    ]
    gone = bridges.nodes[0]
    for number in range(60):
        if number == 20:
            gone.kill()
        if number == 40:
            gone.start()
        publish(bridges.url, number, "n2")
    for client in clients:
        hears(client, 59)
        assert numbers(client) == [*range(60)]
        assert all(line["recovered"] for line in client.heard[1:] if "ready" in line)

    def shown() -> list[bool]:
        nodes = get(f"{bridges.nodes[1].url}/api/ops/system").json()["nodes"]
        return [one["isGone"] for one in nodes if one["name"].endswith(f":{gone.port}")]

    wait_until(lambda: shown() == [True, False])


def test_a_node_that_stands_still_does_no_harm_when_it_goes_on(bridges: Bridges, listen: StartListener) -> None:
    _, stopped, other = bridges.nodes
    client, beside = (listen(node.url, [["join-request-room", "n3"]]) for node in (stopped, other))
    stopped.process.send_signal(signal.SIGSTOP)
    try:
        for number in range(20):
            publish(other.url, number, "n3")
        hears(beside, 19)
    finally:
        stopped.process.send_signal(signal.SIGCONT)
    hears(client, 19)
    assert numbers(client) == numbers(beside) == [*range(20)]
    wait_until(lambda: get(f"{stopped.url}/health/ready").status_code == 200)


def test_one_after_another_is_replaced_and_nobody_misses_anything(bridges: Bridges, listen: StartListener) -> None:
    clients = [listen(bridges.url, [["join-request-room", "n4"]]) for _ in range(6)]
    number = 0
    for node in bridges.nodes:
        for _ in range(10):
            publish(bridges.url, number, "n4")
            number += 1
        assert node.stop() == 0
        for _ in range(10):
            publish(bridges.url, number, "n4")
            number += 1
        node.start()
        wait_until(lambda: get(f"{bridges.url}/api/payments?requestId=none").status_code == 200)
    for client in clients:
        hears(client, number - 1)
        assert numbers(client) == [*range(number)]
        assert all(line["recovered"] for line in client.heard[1:] if "ready" in line)
        # Each time it left it had been told when to come back, and once.
        cut = [place for place, line in enumerate(client.heard) if "disconnected" in line]
        told = [place for place, line in enumerate(client.heard) if line.get("event") == "bridge-stopping"]
        assert len(told) == len(cut) > 0
        assert all(before < after for before, after in zip(told, cut, strict=True))
        assert all(0 <= client.heard[place]["args"][0]["comeBackInMs"] <= len(clients) for place in told)


def test_of_two_tabs_with_one_session_at_two_nodes_one_begins_anew_and_both_stay(
    bridges: Bridges, listen: StartListener
) -> None:
    """As at one node: each takes the other for its own half-open connection, once; from then on they are two."""
    first, second, third = bridges.nodes
    tab = listen(first.url, [["join-request-room", "n5"]])
    twin = listen(second.url, [["join-request-room", "n5"]], session_of=tab)

    def count(name: str, value: Any = None) -> int:
        lines = [line for line in (*tab.heard, *twin.heard) if name in line]
        return sum(value is None or line[name] is value for line in lines)

    def are_two() -> bool:
        """Whichever of them was asked while the other came for its session."""
        for one in (tab, twin):
            one.fence()
        return count("recovered", False) == 2  # the first time ever, and the one that begins anew

    wait_until(are_two)
    put_out = count("disconnected")
    for number in range(10):
        publish(third.url, number, "n5")
    for one in (tab, twin):
        hears(one, 9)
        one.close_engine()
    for number in range(10, 20):
        publish(third.url, number, "n5")
    for one in (tab, twin):
        hears(one, 19)
        assert numbers(one) == [*range(20)]
    assert (count("recovered", False), count("disconnected")) == (2, put_out + 2)


def test_a_balancer_that_does_not_lead_polls_back_is_noticed(bridges: Bridges) -> None:
    first, second, _ = bridges.nodes
    sid = json.loads(get(f"{first.url}/socket.io/?EIO=4&transport=polling").text[1:])["sid"]

    def is_noticed() -> bool:
        assert get(f"{second.url}/socket.io/?EIO=4&transport=polling&sid={sid}").status_code == 400
        checks: dict[str, str] = get(f"{second.url}/health/ready").json()["checks"]
        return checks["polling"].startswith("degraded")

    wait_until(is_noticed)
