"""A running bridge beside a SHKeeper that refuses, cannot use a coin, or does not answer: what is registered then."""

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.asking import client_of
from tests.made_destinations import destination, lengthened, lightning
from tests.waiting import wait_until

KEY = "the-key-of-the-wallet-0123456789"
PASSWORD = "the-operators-password"
BOLT11 = lightning(lengthened(b"buyer"), amount="10800u")
BITCOIN = destination("BTC", "buyer")
OPENED = {"status": "success", "id": 1, "amount": "0.0108", "exchange_rate": "3379"}
NO_RATE = {
    "status": "error",
    "message": "Exchange rate src config for USD-ETH-USDT is not found",
    "traceback": 'File "secret.py"',
}
WALLET_IS_DOWN = {
    "status": "error",
    "message": "('Connection aborted.', RemoteDisconnected('Remote end closed connection without response'))",
    "traceback": 'File "secret.py"',
}


class Shkeeper:
    """Answers what a test wants, coin by coin; remembers what it was asked for."""

    def __init__(self) -> None:
        self.says: dict[str, dict[str, Any]] = {}
        self.asked: list[dict[str, Any]] = []
        self.key = KEY
        self.password_is_good = True

    def answer(self, path: str, key: str | None, content: dict[str, Any]) -> dict[str, Any]:
        if path.endswith("/crypto"):
            return {"status": "success", "crypto": ["ETH-USDT", "BTC", "BTC-LIGHTNING", "LTC"]}
        if "/task/" in path:
            bad = {"status": "error", "message": "Bad HTTP Basic Auth credentials"}
            return {"status": "PENDING", "result": None} if self.password_is_good else bad
        if key != self.key:
            return {"status": "error", "message": "Bad API key"}
        if "/invoices/" in path:
            return {"status": "success", "invoices": []}
        coin = path.split("/")[-2]
        if path.endswith("/quote"):
            return {"status": "error", "message": f"{coin} payment gateway is unavailable"}
        self.asked.append({"coin": coin, **content})
        return self.says.get(coin, {**OPENED, "wallet": destination(coin, "buyer")})


@pytest.fixture(scope="module")
def shkeeper_url() -> Iterator[tuple[Shkeeper, str]]:
    shkeeper = Shkeeper()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            content = json.loads(self.rfile.read(length)) if length else {}
            answer = shkeeper.answer(self.path, self.headers.get("X-Shkeeper-Api-Key"), content)
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 (the server looks for it by that name)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        yield shkeeper, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def bridge(make_bridge: Any, shkeeper_url: tuple[Shkeeper, str]) -> Any:
    return make_bridge(
        BRIDGE_SHKEEPER_API_KEYS=KEY,
        BRIDGE_SHKEEPER_URL=shkeeper_url[1],
        BRIDGE_SHKEEPER_USER="admin",
        BRIDGE_SHKEEPER_PASSWORD=PASSWORD,
    )


@pytest.fixture
def shkeeper(shkeeper_url: tuple[Shkeeper, str]) -> Iterator[Shkeeper]:
    yield shkeeper_url[0]
    shkeeper_url[0].says.clear()


@pytest.fixture
def client(bridge: Any) -> Iterator[httpx.Client]:
    with client_of(bridge.url) as client:
        yield client


def order(request_id: str, coin: str = "ETH-USDT", **changes: object) -> dict[str, object]:
    return {
        "provider": "shkeeper",
        "coin": coin,
        "requestId": request_id,
        "buyerId": f"buyer-{request_id}",
        "sellerId": "s1",
        "offerId": "o1",
        "amount": "18.25",
        "currency": "USD",
        **changes,
    }


def payments(client: httpx.Client, request_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/api/payments", params={"requestId": request_id}).json()["payments"]
    return found


def heard(client: httpx.Client, request_id: str) -> int:
    """How many events about a purchase request its buyer, or everyone, would have heard."""
    params = {"room": f"user-buyer-{request_id}", "everyone": "true", "limit": "100"}
    events = client.get("/api/events", params=params).json()["events"]
    return sum(request_id in json.dumps(event["data"]) for event in events)


def checkout(request_id: str) -> dict[str, object]:
    agreed = order(request_id)
    del agreed["requestId"], agreed["sellerId"], agreed["offerId"], agreed["amount"]
    shares = [{"requestId": request_id, "sellerId": "s1", "amount": "18.25"}]
    return {**agreed, "checkoutId": f"checkout-{request_id}", "shares": shares}


@pytest.mark.parametrize(
    ("answer", "field", "words"),
    [
        (NO_RATE, "currency", "Exchange rate src config for USD-ETH-USDT is not found"),
        ({"status": "error", "msg": "the amount is too small"}, "amount", "the amount is too small"),
        ({"result": None, "error": {"message": "no such thing"}}, "provider", "no such thing"),
        ({**OPENED, "amount": "0"}, "amount", "0 ETH-USDT"),
    ],
)
@pytest.mark.parametrize("made", [order, checkout])
def test_what_shkeeper_refuses_is_a_400_in_its_words_and_is_not_registered(
    client: httpx.Client,
    shkeeper: Shkeeper,
    answer: dict[str, Any],
    field: str,
    words: str,
    made: Callable[[str], dict[str, object]],
) -> None:
    request_id = f"refused-{made.__name__}-{field}-{len(words)}"
    shkeeper.says["ETH-USDT"] = answer
    where = "/api/payments" if made is order else "/api/template-checkouts"
    headers = {"Idempotency-Key": request_id}
    for _ in range(2):
        refused = client.post(where, json=made(request_id), headers=headers)
        assert refused.status_code == 400
        assert refused.json()["errors"][0]["field"] == field
        assert words in refused.json()["detail"]
        assert "secret" not in refused.text
    assert payments(client, request_id) == []
    assert heard(client, request_id) == 0
    # The same request is taken once SHKeeper does.
    del shkeeper.says["ETH-USDT"]
    taken = client.post(where, json=made(request_id), headers=headers)
    assert taken.status_code == 201, taken.text
    assert heard(client, request_id) > 0


def test_a_lightning_invoice_is_given_whole_and_asked_for_once(client: httpx.Client, shkeeper: Shkeeper) -> None:
    shkeeper.says["BTC-LIGHTNING"] = {**OPENED, "wallet": BOLT11}
    taken = client.post("/api/payments", json=order("lightning", "BTC-LIGHTNING"))
    assert taken.status_code == 201
    assert taken.json()["invoices"][0]["address"] == BOLT11
    assert sum(asked["coin"] == "BTC-LIGHTNING" for asked in shkeeper.asked) == 1


def test_an_answer_without_an_address_is_seen_and_the_buyer_takes_another_coin(
    client: httpx.Client, shkeeper: Shkeeper
) -> None:
    shkeeper.says["LTC"] = {**OPENED, "wallet": None}
    before = sum(asked["coin"] == "LTC" for asked in shkeeper.asked)
    taken = client.post("/api/payments", json=order("no-address", "LTC"), headers={"Idempotency-Key": "no-address"})
    assert taken.status_code == 202
    [invoice] = taken.json()["invoices"]
    assert invoice["address"] is None
    assert "no address" in invoice["refusal"]
    for _ in range(3):
        again = client.post(
            "/api/payments", json=order("no-address", "LTC"), headers={"Idempotency-Key": "no-address"}
        )
        assert (again.status_code, again.json()["paymentId"]) == (202, taken.json()["paymentId"])
    assert sum(asked["coin"] == "LTC" for asked in shkeeper.asked) == before + 1
    switched = client.post(f"/api/payments/{taken.json()['paymentId']}/invoices", json={"coin": "BTC"})
    assert switched.status_code == 200
    assert [(one["coin"], one["address"]) for one in switched.json()["invoices"]] == [("BTC", BITCOIN), ("LTC", None)]


TETHER = "0xdAC17F958D2ee523a2206206994597C13D831ec7"


@pytest.mark.parametrize(
    ("coin", "wallet", "why"),
    [
        ("ETH-USDT", f"0x{'0' * 40}", "nobody has the key"),
        ("ETH-USDT", TETHER, "the contract of the token"),
        ("ETH-USDT", TETHER[:-1] + "8", "EIP-55"),
        ("LTC", "0x" + "ab" * 20, "expected a Litecoin address"),
        ("BTC", destination("TRX", "buyer"), "expected a Bitcoin address"),
        ("BTC", "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", "this is one of a test network"),
        ("BTC-LIGHTNING", lightning(lengthened(b"buyer"), amount="1u"), "asked about 0.0108"),
    ],
)
def test_a_place_where_money_would_be_lost_is_shown_to_no_buyer_and_goes_to_a_person(
    client: httpx.Client, shkeeper: Shkeeper, coin: str, wallet: str, why: str
) -> None:
    shkeeper.says[coin] = {**OPENED, "wallet": wallet}
    taken = client.post("/api/payments", json=order(f"lost-{why}", coin))
    assert taken.status_code == 202
    [invoice] = taken.json()["invoices"]
    assert (invoice["address"], invoice["paymentUri"]) == (None, None)
    assert why in invoice["refusal"]
    assert wallet not in taken.text
    # The same invoice with an address of the coin, once the gateway is mended.
    del shkeeper.says[coin]
    if coin != "BTC-LIGHTNING":
        asked = client.post(f"/api/payments/{taken.json()['paymentId']}/invoices", json={"coin": coin, "fresh": True})
        assert asked.json()["invoices"][0]["address"] == destination(coin, "buyer")


def test_a_coin_that_is_refused_does_not_replace_the_one_to_pay(client: httpx.Client, shkeeper: Shkeeper) -> None:
    payment = client.post("/api/payments", json=order("switching")).json()
    shkeeper.says["BTC"] = {"status": "error", "message": "BTC payment gateway is unavailable"}
    refused = client.post(f"/api/payments/{payment['paymentId']}/invoices", json={"coin": "BTC"})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"] == "coin"
    [unchanged] = payments(client, "switching")
    assert [invoice["coin"] for invoice in unchanged["invoices"]] == ["ETH-USDT"]


def test_a_coin_whose_wallet_is_down_is_named_and_opened_once_it_works(
    client: httpx.Client, shkeeper: Shkeeper
) -> None:
    shkeeper.says["LTC"] = WALLET_IS_DOWN
    taken = client.post("/api/payments", json=order("down", "LTC"))
    assert taken.status_code == 202
    assert taken.json()["invoices"][0]["refusal"] is None
    wait_until(
        lambda: (
            "LTC: SHKeeper cannot use the coin's wallet" in client.get("/health/ready").json()["checks"]["shkeeper"]
        )
    )
    assert client.get("/health/ready").json()["status"] == "ready"
    wait_until(lambda: 'bridge_provider_coin_trouble{coin="LTC"' in client.get("/metrics").text)
    assert client.post("/api/payments", json=order("not-down", "BTC")).status_code == 201
    del shkeeper.says["LTC"]
    wait_until(lambda: payments(client, "down")[0]["invoices"][0]["address"])
    wait_until(lambda: client.get("/health/ready").json()["checks"]["shkeeper"] == "ok")
    wait_until(lambda: 'bridge_provider_coin_trouble{coin="LTC"' not in client.get("/metrics").text)


@pytest.mark.parametrize("wrong", ["key", "password"])
def test_a_wrong_key_or_password_is_said_without_being_shown(
    make_bridge: Any, shkeeper: Shkeeper, shkeeper_url: tuple[Shkeeper, str], wrong: str
) -> None:
    shkeeper.password_is_good = wrong != "password"
    try:
        bridge = make_bridge(
            BRIDGE_SHKEEPER_API_KEYS=KEY if wrong == "password" else "another-key-of-some-wallet",
            BRIDGE_SHKEEPER_URL=shkeeper_url[1],
            BRIDGE_SHKEEPER_USER="admin",
            BRIDGE_SHKEEPER_PASSWORD=PASSWORD,
        )
        with client_of(bridge.url) as client:
            said = wait_until(lambda: (text := client.get("/health/ready").text) and wrong in text and text) or ""
            assert "ready" in said
            assert not any(secret in said for secret in (KEY, "another-key-of-some-wallet", PASSWORD))
            if wrong == "key":  # which is no fault of who registers a payment
                taken = client.post("/api/payments", json=order("wrong-key"))
                assert taken.status_code == 202
                assert taken.json()["invoices"][0]["refusal"] is None
    finally:
        shkeeper.password_is_good = True
