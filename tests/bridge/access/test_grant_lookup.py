"""The question to the marketplace what somebody is granted: signed, bounded, and failing closed."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from standardwebhooks.webhooks import Webhook

from bridge.access import GrantsUnknownError
from bridge.access.grant_lookup import ANSWER_LIMIT_BYTES, QUESTIONS_AT_ONCE, GrantLookup
from bridge.access.grant_settings import GrantSettings
from coordinator.endpoints.signing import new_secret
from providers.settings import SettingsError
from tests.answering_server import Asked, answering_requests
from tests.clock import pass_seconds
from tests.scripted_gateway import Gateway, Request, breaks_off, hangs_up, says, scripted_gateway
from tests.waiting import GIVE_UP_SECONDS, until

KEY = new_secret()


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    async with scripted_gateway() as gateway:
        yield gateway


@pytest.fixture
async def ask(gateway: Gateway) -> AsyncIterator[GrantLookup]:
    asker = GrantLookup(f"{gateway.url}/grants", [KEY], deadline_seconds=GIVE_UP_SECONDS)
    yield asker
    await asker.aclose()


async def test_a_question_is_signed_by_every_secret_as_standard_webhooks_are() -> None:
    asked: list[Asked] = []
    keys = [KEY, new_secret()]

    def answer(question: Asked) -> tuple[int, Any]:
        asked.append(question)
        return 200, {"rooms": ["chat-c1"], "more": 1}

    with answering_requests(answer) as url:
        asker = GrantLookup(f"{url}/grants?of=bridge", keys, deadline_seconds=GIVE_UP_SECONDS)
        assert await asker("u1", ["chat-c1", "request-r1"]) == {"chat-c1"}
        await asker.aclose()
    [question] = asked
    for key in keys:
        said = Webhook(key).verify(question.body, {name.lower(): value for name, value in question.headers.items()})
        assert (said["type"], said["data"]) == ("grants-asked", {"userId": "u1", "rooms": ["chat-c1", "request-r1"]})
    assert (question.method, question.path) == ("POST", "/grants?of=bridge")


@pytest.mark.parametrize(
    "answer",
    [
        says({"rooms": ["chat-c1"]}, 500),
        says({"rooms": ["chat-c1"]}, 404),
        says({"rooms": ["chat-c1"]}, 302),
        says({"rooms": "chat-c1"}),
        says({"rooms": {"chat-c1": True}}),
        says({"rooms": [["chat-c1"]]}),
        says(["chat-c1"]),
        says({}),
        says({"rooms": ["chat-c1" + "x" * ANSWER_LIMIT_BYTES]}),
        hangs_up,
        breaks_off,
    ],
)
async def test_what_is_no_whole_answer_grants_nothing(gateway: Gateway, ask: GrantLookup, answer: Any) -> None:
    gateway.answers(answer)
    with pytest.raises(GrantsUnknownError, match="try again later"):
        await ask("u1", ["chat-c1"])
    assert ask.trouble() is not None
    gateway.answers(says({"rooms": ["chat-c1"]}))
    assert await ask("u1", ["chat-c1"]) == {"chat-c1"}
    assert ask.trouble() is None


async def test_an_answer_that_unpacks_to_too_much_grants_nothing(gateway: Gateway, ask: GrantLookup) -> None:
    body = gzip.compress(json.dumps({"rooms": ["chat-c1"], "pad": "x" * ANSWER_LIMIT_BYTES}).encode())
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n".encode()

    def packed(_: Request) -> bytes:
        return head + body

    gateway.answers(packed)
    with pytest.raises(GrantsUnknownError):
        await ask("u1", ["chat-c1"])


def has_more_than(gateway: Gateway, count: int) -> bool:
    return len(gateway.requests) > count


async def test_whoever_does_not_answer_is_given_up_and_after_some_failures_not_asked_for_a_while(
    gateway: Gateway,
) -> None:
    asker = GrantLookup(gateway.url, [KEY], deadline_seconds=5)

    is_over = asyncio.Event()

    async def never(_: Request) -> None:
        await is_over.wait()

    gateway.answers(never)
    for number in range(3):
        asking = asyncio.create_task(asker(f"u{number}", ["chat-c1"]))
        await until(partial(has_more_than, gateway, 2 * number))
        await pass_seconds(6)
        await until(partial(has_more_than, gateway, 2 * number + 1))  # the harmless one
        await pass_seconds(6)
        with pytest.raises(GrantsUnknownError):
            await asking
    with pytest.raises(GrantsUnknownError, match="not asked for a while"):
        await asker("u1", ["chat-c1"])
    assert len(gateway.requests) == 6
    is_over.set()
    await asker.aclose()


async def test_a_user_over_whom_the_marketplace_fails_keeps_nobody_else_waiting(
    gateway: Gateway, ask: GrantLookup
) -> None:
    granted = says({"rooms": ["chat-c1"]})

    def answer(request: Request) -> bytes | None:
        match request.content["data"]["userId"]:
            case "u1":
                return None
            case "u2":
                return granted(request)
        return says({"error": "no such user"}, 404)(request)

    gateway.answers(answer)
    for _ in range(20):
        with pytest.raises(GrantsUnknownError, match="does not say"):
            await ask("u1", ["chat-c1"])
        assert await ask("u2", ["chat-c1"]) == {"chat-c1"}
    about = {(said["userId"], *said["rooms"]) for said in (one.content["data"] for one in gateway.requests)}
    assert about == {("u1", "chat-c1"), ("u2", "chat-c1"), ("bridge-asks-whether-it-may",)}


async def test_a_crowd_takes_turns(gateway: Gateway, ask: GrantLookup) -> None:
    may_answer = asyncio.Event()
    answer = says({"rooms": []})

    async def later(request: Request) -> bytes | None:
        await may_answer.wait()
        said = answer(request)
        assert isinstance(said, bytes)
        return said

    gateway.answers(later)
    asking = [asyncio.create_task(ask(f"u{number}", ["chat-c1"])) for number in range(2 * QUESTIONS_AT_ONCE)]
    await until(lambda: len(gateway.requests) == QUESTIONS_AT_ONCE)
    may_answer.set()
    assert await asyncio.gather(*asking) == [frozenset()] * 2 * QUESTIONS_AT_ONCE


def test_a_secret_and_an_address_are_asked_for(tmp_path: Path) -> None:
    assert GrantSettings().asker() is None
    secrets = tmp_path / "secrets"
    with pytest.raises(SettingsError, match=r"needs grants\.secret_file"):
        GrantSettings(url="https://shop.example/grants").asker()
    secrets.write_text("whsec_short")
    with pytest.raises(SettingsError, match=r"grants.secret_file: expected whsec_"):
        GrantSettings(url="https://shop.example/grants", secret_file=secrets).asker()
    secrets.write_text(f"{KEY}\n{new_secret()}\n")
    assert GrantSettings(url="http://127.0.0.1:1/grants", secret_file=secrets).asker() is not None
    for bad in ("http://shop.example/", "ftp://shop.example/", "https://u:p@shop.example/", "https://x/#y", "shop"):
        with pytest.raises(ValidationError, match="https://"):
            GrantSettings(url=bad)
