"""The OpenAPI document against a running bridge: every answer to whatever is asked is one that the document names."""

import json
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from coordinator.ids import UNSEEN
from tests.asking import client_of, get
from tests.specification import ROWS
from tests.waiting import GIVE_UP_SECONDS

SECRET = "a secret of at least thirty-two bytes"
SERVICE_TOKEN = "the-token-of-every-service"
SERVICES = f"""
[everything]
token = "{SERVICE_TOKEN}"
publishes = ["marketplace", "payment", "chat", "notification", "points"]
registers = ["payments"]
reads = true
"""
NEVER = 4_102_444_800
"""When the tokens expire, which are to outlive the tests: in the year 2100."""
USER_TOKEN = jwt.encode({"sub": "u1", "exp": NEVER, "requests": ["r1"]}, SECRET, "HS256")
STAFF_TOKEN = jwt.encode({"sub": "f1", "exp": NEVER, "staff": True}, SECRET, "HS256")
BAD_TOKEN = jwt.encode({"sub": "u1", "exp": NEVER}, SECRET[::-1], "HS256")

# Of what each operation may be asked.
EXAMPLES = 100 if "SOAK_MINUTES" in os.environ else 2
# Of the questions that are asked while the document is: two, as far as was seen, of a bridge that answers nobody.
MORE_THAN_COME_BEFORE = 10
Bridges = Mapping[str, Any]


@pytest.fixture(scope="module")
def bridges(make_bridge: Any, tmp_path_factory: pytest.TempPathFactory) -> Bridges:
    """A bridge that asks nobody who they are, and one that asks everybody."""
    services: Path = tmp_path_factory.mktemp("services") / "services.toml"
    services.write_text(SERVICES)
    return {
        "open": make_bridge(BRIDGE_SHKEEPER_API_KEYS="the-key-of-the-gateway"),
        "jwt": make_bridge(
            BRIDGE_ACCESS="jwt",
            BRIDGE_JWT_SECRETS=SECRET,
            BRIDGE_SERVICES_FILE=str(services),
            BRIDGE_MAX_PAYLOAD_BYTES="5000",
        ),
    }


@pytest.fixture(scope="module")
def first_asked(bridges: Bridges) -> tuple[dict[str, Any], int]:
    """The document of a bridge that nobody has asked for it so far; and how many questions for something else, one
    after the other, were answered before it."""
    answered = 0
    with ThreadPoolExecutor() as asking:
        asked = [asking.submit(get, f"{bridges['open'].url}/schema/openapi.json") for _ in range(3)]
        while not any(one.done() for one in asked):
            get(f"{bridges['open'].url}/health/live").raise_for_status()
            answered += 1
    first, *others = [one.result().raise_for_status().json() for one in asked]
    assert others == [first, first]
    return first, answered


@pytest.fixture(scope="module")
def document(bridges: Bridges, first_asked: tuple[dict[str, Any], int]) -> dict[str, Any]:
    content = first_asked[0]
    assert get(f"{bridges['jwt'].url}/schema/openapi.json").json() == content
    return content


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with client_of() as client:
        yield client


def operations(document: Mapping[str, Any]) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Each operation by its id, with its method and path."""
    return {
        operation["operationId"]: (f"{method.upper()} {path}", operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


def constraints_in(part: Any) -> Iterator[Mapping[str, Any]]:
    """Every schema in a document that has a pattern."""
    if isinstance(part, Mapping):
        if isinstance(part.get("pattern"), str):
            yield part
        yield from constraints_in(list(part.values()))
    elif isinstance(part, list):
        for one in part:
            yield from constraints_in(one)


def of_another_journal(offset: str) -> str:
    """An offset begins with its journal's epoch."""
    return ("0" if offset[0] != "0" else "1") + offset[1:]


def address(url: str, path: str) -> str:
    """Where an operation is, with some id in its path."""
    return url + path.replace("{provider}", "shkeeper").replace("{", "").replace("}", "")


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


# To think of ids out of all characters but those that cannot be seen takes longer than all that is asked with them.
OTHER_IDS = r"^[!-~\xa1-\xac\xae-\u024f]+$"


def checks() -> list[Any]:
    from schemathesis import checks

    return [
        checks.not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_headers_conformance,
        checks.response_schema_conformance,
    ]


@pytest.fixture(scope="module")
def schema(document: dict[str, Any], bridges: Bridges) -> Any:
    # Not with the others: each process that collects the tests would take a third of a second for it.
    import schemathesis

    ids = {one["pattern"] for one in constraints_in(document) if UNSEEN in one["pattern"]}
    assert ids
    text = json.dumps(document)
    for pattern in ids:
        text = text.replace(json.dumps(pattern), json.dumps(OTHER_IDS))
    schema = schemathesis.openapi.from_dict(json.loads(text))
    schema.config.update(base_url=bridges["open"].url)
    return schema


@pytest.fixture(scope="module")
def all_kinds_of_things(document: dict[str, Any], schema: Any) -> Mapping[str, st.SearchStrategy[Any]]:
    """What each operation, by its id, may be asked, well or badly. Made once, which takes longer than to ask it."""
    from schemathesis import GenerationMode

    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    found = {name: schema.find_operation_by_id(name) for name in operations(document)}
    return {
        name: st.one_of([operation.as_strategy(generation_mode=mode) for mode in modes])
        for name, operation in found.items()
    }


def test_whatever_is_asked_by_whomever_is_answered_as_the_document_says(
    bridges: Bridges, all_kinds_of_things: Mapping[str, st.SearchStrategy[Any]]
) -> None:
    tokens = (BAD_TOKEN, USER_TOKEN, STAFF_TOKEN, SERVICE_TOKEN)
    everybody: list[tuple[str, dict[str, str]]] = [(bridges[mode].url, {}) for mode in ("open", "jwt")]
    everybody += [(bridges["jwt"].url, bearer(token)) for token in tokens]
    for things in all_kinds_of_things.values():
        ask_for_all_kinds_of_things(things, everybody)


def ask_for_all_kinds_of_things(
    things: st.SearchStrategy[Any], everybody: Sequence[tuple[str, dict[str, str]]]
) -> None:
    """Has everybody ask the same, where they ask: to think of it takes longer than to ask it."""
    checked = checks()

    @given(case=things, is_known=st.booleans())
    @settings(max_examples=EXAMPLES, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck))
    def ask(case: Any, is_known: bool) -> None:
        if is_known and "provider" in (case.path_parameters or {}):
            case.path_parameters = {"provider": "shkeeper"}
        for url, headers in everybody:
            case.call_and_validate(url, headers=headers, checks=checked, timeout=GIVE_UP_SECONDS)

    ask()


def test_what_there_is_and_what_is_refused_reads_as_the_document_says(
    bridges: Bridges, schema: Any, client: httpx.Client
) -> None:
    url = bridges["open"].url
    events = [{"event": row.event, "target": row.target, "data": row.payload} for row in ROWS]
    published = client.post(f"{url}/api/events", json={"events": events}).raise_for_status().json()
    registration = {
        "provider": "shkeeper",
        "externalId": "order-1",
        "requestId": "r1",
        "buyerId": "b1",
        "sellerId": "s1",
        "offerId": "o1",
        "amount": "49.90",
        "currency": "USD",
    }
    payment_id = client.post(f"{url}/api/payments", json=registration).raise_for_status().json()["paymentId"]
    elsewhere = {"Origin": "https://elsewhere.example"}
    key = {"Idempotency-Key": "k1"}
    webhook = {"path_parameters": {"provider": "shkeeper"}}
    # Only the body would show that it is not.
    maybe_signed = {"X-Shkeeper-Signature": "0" * 64, "X-Shkeeper-Timestamp": str(int(time.time()))}
    asked: list[tuple[int, str, dict[str, Any]]] = [
        (200, "getPayment", {"path_parameters": {"payment_id": payment_id}}),
        (200, "listPayments", {"query": {"requestId": "r1"}}),
        (200, "getEvents", {"query": {"room": ["user-b1", "chat-c1"], "everyone": "true", "limit": 500}}),
        (410, "getEvents", {"query": {"room": "user-b1", "after": of_another_journal(published["offsets"][-1])}}),
        (200, "getMessages", {"path_parameters": {"chat_id": "c1"}}),
        (200, "getUnreadCount", {"query": {"userId": "u1"}}),
        (200, "getPurchaseRequest", {"path_parameters": {"request_id": "r1"}}),
        (200, "getPresence", {"query": {"userIds": ["u1", "b1"]}}),
        (200, "registerPayment", {"body": registration}),
        (409, "registerPayment", {"body": {**registration, "amount": "50"}}),
        (403, "registerPayment", {"body": registration, "headers": elsewhere}),
        (413, "registerPayment", {"body": {**registration, "buyerId": "x" * 11_000_000}}),
        (202, "publishEvents", {"body": events[0], "headers": key}),
        (422, "publishEvents", {"body": events[1], "headers": key}),
        (413, "publishEvents", {"body": {"event": "x" * 1_100_000}}),
        (401, "receiveWebhook", {**webhook, "body": {}}),
        (413, "receiveWebhook", {**webhook, "body": {"x": "x" * 300_000}, "headers": maybe_signed}),
        (403, "receiveWebhook", {**webhook, "body": {}, "headers": elsewhere}),
    ]

    answered, checked = [], checks()
    for _, name, parts in asked:
        media_type = "application/json" if "body" in parts else None
        case = schema.find_operation_by_id(name).Case(media_type=media_type, **parts)
        answered.append((case.call_and_validate(checks=checked, timeout=GIVE_UP_SECONDS).status_code, name))

    assert answered == [(status, name) for status, name, _ in asked]


def test_nobody_waits_while_the_document_is_made(first_asked: tuple[dict[str, Any], int]) -> None:
    """To make it takes the bridge a second or more, at the first request for it. One that answers nobody meanwhile
    answers the few that come before that request, and the one that comes during it, once it is made."""
    assert first_asked[1] > MORE_THAN_COME_BEFORE


def test_every_operation_has_a_name_a_summary_and_a_tag_that_is_explained(document: dict[str, Any]) -> None:
    routes = {name: route for name, (route, _) in operations(document).items()}
    assert routes["registerPayment"] == "POST /api/payments"
    assert routes["getMessages"] == "GET /api/chats/{chat_id}/messages"
    assert all(re.fullmatch(r"[a-z]+([A-Z][a-z]+)*", name) for name in routes)
    explained = {tag["name"] for tag in document["tags"] if tag["description"]}
    for _, operation in operations(document).values():
        assert operation["summary"]
        assert set(operation["tags"]) <= explained


def test_every_error_is_a_problem_document(document: dict[str, Any]) -> None:
    for name, (_, operation) in operations(document).items():
        for status, response in operation["responses"].items():
            assert response["description"]
            if name != "ready" and int(status) >= 400:
                assert list(response["content"]) == ["application/problem+json"], (name, status)


def test_whatever_needs_the_journal_may_have_to_be_asked_again(document: dict[str, Any]) -> None:
    for route, operation in operations(document).values():
        if "/health/" not in route:
            assert "503" in operation["responses"], route


def test_reading_and_the_console_take_tokens_of_users_or_services_and_writing_of_services(
    document: dict[str, Any],
) -> None:
    schemes = document["components"]["securitySchemes"]
    assert {name: (scheme["type"], scheme["scheme"]) for name, scheme in schemes.items()} == {
        "serviceToken": ("http", "bearer"),
        "userToken": ("http", "bearer"),
    }
    for route, operation in operations(document).values():
        readers = ["userToken", "serviceToken"]
        needed = {"GET /api": readers, "POST /api": ["serviceToken"]}.get(route[: route.find("/", 6)])
        if "/api/ops/" in route or route.endswith(("/price", "/destination", "/destination/check")):
            # What is done in the console is done by people; a buyer may ask for a new price, and say where a refund
            # is to be sent.
            needed = readers
        if "/api/endpoints" in route:
            # Services do so with their own, and people with all.
            needed = readers
        assert [next(iter(scheme)) for scheme in operation.get("security", [])] == (needed or [])


@pytest.mark.parametrize("headers", [{}, bearer(BAD_TOKEN), {"Authorization": "Basic dTE6cA=="}])
def test_strangers_are_refused_before_anything_they_say_is_looked_at(
    bridges: Bridges, client: httpx.Client, document: dict[str, Any], headers: dict[str, str]
) -> None:
    bodies = ((b"", ""), (b"{", "?limit=x&everyone=maybe"), (b"x" * 2_000_000, ""), (b"1", "?userIds="))
    for route, operation in operations(document).values():
        method, path = route.split()
        for content, query in bodies if "security" in operation else ():
            answer = client.request(
                method,
                address(bridges["jwt"].url, path) + query,
                content=content if method == "POST" else b"",
                headers={**headers, "Content-Type": "application/json", "Idempotency-Key": "x" * 300},
            )
            assert (route, answer.status_code) == (route, 401)
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            assert answer.headers["Content-Type"] == "application/problem+json"


def test_other_methods_are_refused_with_those_there_are(
    bridges: Bridges, client: httpx.Client, document: dict[str, Any]
) -> None:
    for path, item in document["paths"].items():
        there_are = {method.upper() for method in item} | ({"HEAD"} if "get" in item else set())
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "HEAD"} - there_are:
            answer = client.request(method, address(bridges["open"].url, path))
            assert (path, method, answer.status_code) == (path, method, 405)
            assert there_are <= set(answer.headers["Allow"].replace(" ", "").split(","))


def test_head_is_answered_as_get_without_the_content(bridges: Bridges, client: httpx.Client, document: Any) -> None:
    """By HTTP's own rules, so that the document need not name it."""
    asked = [path for path, item in document["paths"].items() if "get" in item]
    for path in (*asked, "/metrics", "/schema/openapi.json", "/pay/p1", "/ops", "/none"):
        url = address(bridges["open"].url, path)
        told, asked_for = client.head(url), client.get(url)
        assert (path, told.status_code, told.content) == (path, asked_for.status_code, b"")
        assert told.headers["Content-Type"] == asked_for.headers["Content-Type"]
        if path != "/metrics":  # whose figures move
            assert told.headers.get("Content-Length") == asked_for.headers.get("Content-Length")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_body_of_any_type_is_answered_as_the_document_says(
    bridges: Bridges, client: httpx.Client, document: dict[str, Any], content_type: str
) -> None:
    for route, operation in operations(document).values():
        method, path = route.split()
        for content in (b"", b"{}", b"a=1", b"\xff", b"[" * 100_000) if method == "POST" else ():
            answer = client.post(
                address(bridges["open"].url, path), content=content, headers={"Content-Type": content_type}
            )
            responses = operation["responses"]
            assert (route, str(answer.status_code)) in {(route, status) for status in responses}
            assert answer.headers["Content-Type"] in responses[str(answer.status_code)]["content"]
            assert answer.status_code < 500
