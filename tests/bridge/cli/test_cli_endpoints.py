"""`bridge endpoints`, and `bridge listen --forward-to`: for whoever writes a receiver."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from tests.answering_server import Asked, answering_requests
from tests.asking import post
from tests.bridge.cli.listeners import listening, said
from tests.commands import run_command
from tests.waiting import wait_until

WISH = {"event": "new-purchase-request", "data": {"_id": "r1", "title": "A bicycle"}}


@pytest.fixture(scope="module")
def bridge(make_bridge: Any) -> Any:
    return make_bridge(BRIDGE_ENDPOINT_NETWORKS="127.0.0.0/8")


@contextmanager
def receiving() -> Iterator[tuple[str, list[Asked]]]:
    came: list[Asked] = []

    def answer(asked: Asked) -> tuple[int, Any]:
        came.append(asked)
        return 200, {}

    with answering_requests(answer) as url:
        yield url, came


def verified(secret: str, asked: Asked) -> Any:
    headers = {name.lower(): value for name, value in asked.headers.items()}
    return Webhook(secret).verify(asked.body, headers)


def test_an_endpoint_is_registered_tried_listed_and_removed(bridge: Any, tmp_path: Path) -> None:
    def endpoints(*arguments: str, fails: bool = False) -> list[str]:
        ended = run_command(
            *("endpoints", *arguments, "--url", bridge.url), cwd=tmp_path, env={"PATH": os.environ["PATH"]}
        )
        assert (ended.returncode != 0) is fails, ended.stderr
        return (ended.stderr if fails else ended.stdout).splitlines()

    with receiving() as (url, came):
        lines = "\n".join(endpoints("add", url, fails=True))
        assert "name one --event" in lines
        assert {"payment-update", "new-message", "delivery-confirmed"} <= set(lines.split())
        endpoint_id, secret = endpoints("add", url, "--event", "new-*", "--by", "ada")
        assert endpoints("add", url, "--event", "new-*", "--by", "ada") == [endpoint_id]
        [message] = endpoints("test", endpoint_id, "--by", "ada")
        wait_until(lambda: came)
        assert verified(secret, came[0])["type"] == "endpoint-test"
        wait_until(
            lambda: (
                [f"{message}  endpoint-test  delivered  1 tries  200  {{}}"] == endpoints("deliveries", endpoint_id)
            )
        )
        assert endpoints("list") == [f"{endpoint_id}  {url}  new-*  in order  active  0 behind"]
        assert endpoints("rotate", endpoint_id)[0].startswith("whsec_")
        assert endpoints("disable", endpoint_id, "--note", "it moves") == ["disabled"]
        assert endpoints("enable", endpoint_id) == ["active"]
        assert endpoints("replay", endpoint_id, "--everything") == ["it is sent again"]
        assert endpoints("remove", endpoint_id) == [f"{endpoint_id} is removed."]
        assert endpoints("enable", endpoint_id, fails=True) == [
            f"error: not done: There is no endpoint {endpoint_id}."
        ]


def test_a_program_reads_each_answer_as_json(bridge: Any, tmp_path: Path) -> None:
    def endpoints(*arguments: str) -> Any:
        ended = run_command(
            *("endpoints", *arguments, "--url", bridge.url, "--json"), cwd=tmp_path, env={"PATH": os.environ["PATH"]}
        )
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    with receiving() as (url, came):
        made = endpoints("add", url, "--event", "new-*")
        endpoint_id = made["endpointId"]
        message = endpoints("test", endpoint_id)["messageId"]
        wait_until(lambda: came)
        wait_until(lambda: [one["status"] for one in endpoints("deliveries", endpoint_id)] == ["delivered"])
        [delivery] = endpoints("deliveries", endpoint_id, "--status", "delivered")
        assert (delivery["messageId"], delivery["answerStatus"]) == (message, 200)
        [listed] = [one for one in endpoints("list") if one["endpointId"] == endpoint_id]
        assert (listed["url"], listed["status"]) == (url, "active")
        assert "secret" not in {name for name, value in listed.items() if value}
        rotated = endpoints("rotate", endpoint_id)["secret"]
        assert rotated.startswith("whsec_")
        assert rotated != made["secret"]
        assert endpoints("disable", endpoint_id)["status"] == "disabled"
        assert endpoints("enable", endpoint_id)["status"] == "active"
        assert isinstance(endpoints("replay", endpoint_id, "--everything"), dict)
        assert endpoint_id in endpoints("remove", endpoint_id)["message"]


def test_what_is_heard_is_forwarded_signed_with_a_secret_that_is_printed(bridge: Any) -> None:
    with receiving() as (url, came):
        options = ("--seller", "s1", "--forward-to", url, "--count", "1")
        with listening(bridge.url, *options) as listener:
            secret = said(listener).split()[-1]
            post(f"{bridge.url}/api/events", json=WISH).raise_for_status()
            assert said(listener) == "new-purchase-request taken: 200\n"
            assert listener.wait() == 0
    message = verified(secret, came[0])
    assert (message["type"], message["data"]) == (WISH["event"], WISH["data"])
