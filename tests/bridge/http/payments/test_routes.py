"""Registering payments and looking them up: what the routes take, what they answer, and how they refuse."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.bridge.http.exchanges import problem, registration


def test_a_registered_payment_can_be_looked_up(client: httpx.Client) -> None:
    body = registration()
    answer = client.post("/api/payments", json=body)
    assert answer.status_code == 201
    payment = answer.json()
    assert {name: payment[name] for name in body} == body
    assert (payment["status"], payment["escrowState"], payment["received"]) == ("pending", "none", "0.00")
    assert (payment["missing"], payment["excess"], payment["late"]) == ("49.90", "0.00", False)
    assert [entry["observation"] for entry in payment["history"]] == ["registered"]
    assert client.get(f"/api/payments/{payment['paymentId']}").json() == payment
    found = client.get("/api/payments", params={"requestId": str(body["requestId"])})
    assert found.json()["payments"] == [payment]


def test_registering_again_answers_with_the_same_payment(client: httpx.Client) -> None:
    body = registration()
    first = client.post("/api/payments", json=body)
    again = client.post("/api/payments", json={**body, "amount": "49.9"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()


def test_concurrent_registrations_make_one_payment(client: httpx.Client) -> None:
    body = registration()
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: client.post("/api/payments", json=body), range(32)))
    assert sorted({answer.status_code for answer in answers}) == [200, 201]
    assert len({answer.json()["paymentId"] for answer in answers}) == 1


def test_an_idempotency_key_stands_for_one_request(client: httpx.Client) -> None:
    body = registration()
    headers = {"Idempotency-Key": f"key-{body['externalId']}"}
    first = client.post("/api/payments", json=body, headers=headers)
    assert client.post("/api/payments", json=body, headers=headers).json() == first.json()
    reused = client.post("/api/payments", json=registration(), headers=headers)
    assert "send a new key" in problem(reused, 422)["detail"]


def test_an_external_id_with_other_fields_is_a_conflict_that_names_the_payment(client: httpx.Client) -> None:
    body = registration()
    first = client.post("/api/payments", json=body).json()
    conflict = problem(client.post("/api/payments", json={**body, "amount": "50"}), 409)
    assert conflict["paymentId"] == first["paymentId"]
    assert "another amount" in conflict["detail"]


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"buyerId": ...}, "buyerId", "required"),
        ({"buyerId": ""}, "buyerId", "at least 1 character"),
        ({"buyerId": "a" * 201}, "buyerId", "at most 200"),
        ({"buyerId": "a\nb"}, "buyerId", "control characters"),
        ({"buyerId": 5}, "buyerId", "string"),
        ({"amount": 49.9}, "amount", "a float would lose digits"),
        ({"amount": "-1"}, "amount", "non-negative"),
        ({"amount": "0.00"}, "amount", "more than zero"),
        ({"amount": "1e999"}, "amount", "at most 78 digits"),
        ({"amount": "0.001"}, "amount", "USD has 2 decimals"),
        ({"amount": "50.0000000001"}, "amount", "USD has 2 decimals"),
        ({"amount": "100.50", "currency": "JPY"}, "amount", "JPY has no decimals"),
        ({"amount": "0.0000000000000000001", "currency": "POINTS"}, "amount", "POINTS has 18 decimals"),
        ({"amount": "99999999999999999999"}, "amount", "less than 1 and 15 zeros"),
        ({"currency": "U S D"}, "currency", "pattern"),
        ({"currency": "usd"}, "currency", "expected USD"),
        ({"currency": "Usd"}, "currency", "expected USD"),
        ({"currency": "eth-usdt"}, "currency", "expected ETH-USDT"),
        ({"requestId": "r-6 "}, "requestId", "without blanks at its beginning and its end"),
        ({"sellerId": "\u3000s1"}, "sellerId", "without blanks"),
        ({"buyerId": "b1\u00a0"}, "buyerId", "without blanks"),
        ({"offerId": " o1"}, "offerId", "without blanks"),
        ({"sellerId": "s1\u200b"}, "sellerId", "no width"),
        ({"provider": "paypal"}, "provider", "known: shkeeper"),
        ({"colour": "red"}, "colour", "not permitted"),
    ],
)
def test_a_wrong_field_is_named(client: httpx.Client, changes: dict[str, object], field: str, message: str) -> None:
    document = problem(client.post("/api/payments", json=registration(**changes)), 400)
    assert [error["field"] for error in document["errors"]] == [field]
    assert message in document["detail"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"[" * 16_000])
def test_a_body_that_is_no_object_is_refused(client: httpx.Client, body: bytes) -> None:
    problem(client.post("/api/payments", content=body, headers={"Content-Type": "application/json"}), 400)


def test_what_does_not_exist_is_not_found(client: httpx.Client) -> None:
    problem(client.get("/api/payments/pay_unknown"), 404)
    problem(client.get("/api/payments/%00"), 404)
    problem(client.get("/api/payments", params={"requestId": "\x00"}), 400)
    problem(client.get("/api/nothing"), 404)
    problem(client.delete("/api/payments"), 405)
    assert client.get("/api/payments", params={"requestId": "unknown"}).json()["payments"] == []


def test_a_list_needs_its_request(client: httpx.Client) -> None:
    assert "requestId" in problem(client.get("/api/payments"), 400)["detail"]


def test_keys_that_only_look_alike_stand_for_requests_of_their_own(client: httpx.Client) -> None:
    body = registration()
    stem = body["externalId"]
    keys = [f"{stem}-Café", f"{stem}-café", f"{stem}-cafe\u0301", f"{stem}-caf\uff45\u0301", f"{stem} -café"]
    made = [
        client.post("/api/payments", json=registration(), headers={b"Idempotency-Key": key.encode()}) for key in keys
    ]
    assert [answer.status_code for answer in made] == [201] * len(keys)
    assert len({answer.json()["paymentId"] for answer in made}) == len(keys)


@pytest.mark.parametrize("key", [b"", "\u00a0".encode(), "k\u200b".encode(), "k\u202e".encode()])
def test_a_key_of_nothing_or_with_what_nobody_sees_is_refused_and_never_taken_for_none(
    client: httpx.Client, key: bytes
) -> None:
    body = registration()
    refused = client.post("/api/payments", json=body, headers={b"Idempotency-Key": key})
    assert "Idempotency-Key" in problem(refused, 400)["errors"][0]["field"]
    assert client.post("/api/payments", json=body).status_code == 201


@pytest.mark.parametrize("currency", ["EUR", "usd", "USD ", "ＵＳＤ"])
def test_a_payment_keeps_its_currency_whoever_registers_it_again(client: httpx.Client, currency: str) -> None:
    body = registration()
    client.post("/api/payments", json=body)
    again = client.post("/api/payments", json={**body, "currency": currency})
    assert again.status_code == (409 if currency == "EUR" else 400)
    assert client.post("/api/payments", json=body).json()["currency"] == body["currency"]


@pytest.mark.parametrize(
    "amount",
    [
        *(
            "1e3",
            "1E3",
            "1e-9",
            "+1",
            "-1",
            " 1",
            "1 ",
            "1\n",
            "1_000",
            "1,000",
            "0x10",
            "１２",
            "١٢",
            "1.",
            ".5",
            "",
        ),
        *("NaN", "Infinity", "0", "0.00", "9" * 79, 1.5, True, None, ["1"]),
    ],
)
def test_an_amount_is_written_out_in_plain_digits(client: httpx.Client, amount: object) -> None:
    refused = client.post("/api/payments", json={**registration(), "amount": amount})
    assert problem(refused, 400)["errors"][0]["field"] == "amount"
