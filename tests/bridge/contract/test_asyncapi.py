"""The AsyncAPI document, read by the official parser."""

import json
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from bridge.contract.asyncapi import asyncapi_text

JAVASCRIPT = Path(__file__).parents[3] / "tests" / "javascript"
ERROR, WARNING = 0, 1


def broken(break_it: Any) -> str:
    document = json.loads(asyncapi_text())
    break_it(document)
    return json.dumps(document)


def without_channel(document: dict[str, Any]) -> None:
    del document["operations"]["send-payment"]["channel"]


def with_lost_message(document: dict[str, Any]) -> None:
    del document["components"]["messages"]["payment-update"]


def with_wrong_schema(document: dict[str, Any]) -> None:
    document["components"]["schemas"]["PaymentUpdate"]["type"] = "objekt"


BREAKS = {"operations.send-payment": without_channel, "payment-update": with_lost_message, "type": with_wrong_schema}


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the parser says of the document, and of a copy with each break; all from one run."""
    folder = tmp_path_factory.mktemp("asyncapi")
    texts = {"whole": asyncapi_text(), **{name: broken(break_it) for name, break_it in BREAKS.items()}}
    paths = []
    for name, text in texts.items():
        paths.append(folder / f"{name}.json")
        paths[-1].write_text(text)
    run = subprocess.run(["node", "asyncapi.mjs", *paths], cwd=JAVASCRIPT, capture_output=True, text=True, check=True)
    return dict(zip(texts, json.loads(run.stdout), strict=True))


def test_the_official_parser_has_no_error_and_no_warning(read: dict[str, Any]) -> None:
    assert read["whole"]["isDocument"]
    assert [fault for fault in read["whole"]["diagnostics"] if fault["severity"] in (ERROR, WARNING)] == []


@pytest.mark.parametrize("place", BREAKS)
def test_the_official_parser_refuses_a_broken_copy_where_it_is_broken(read: dict[str, Any], place: str) -> None:
    assert not read[place]["isDocument"]
    assert any(
        fault["severity"] == ERROR and place in f"{fault['path']} {fault['message']}"
        for fault in read[place]["diagnostics"]
    ), read[place]["diagnostics"]


def test_every_message_is_part_of_exactly_one_operation_and_every_client_event_has_a_reply() -> None:
    document = json.loads(asyncapi_text())
    assert document["info"]["version"] == version("bridge")
    used = [message["$ref"] for operation in document["operations"].values() for message in operation["messages"]]
    assert len(used) == len(set(used))
    replies = {
        message["$ref"]
        for operation in document["operations"].values()
        if operation["action"] == "receive"
        for message in operation["reply"]["messages"]
    }
    messages = {f"#/channels/root/messages/{name}" for name in document["channels"]["root"]["messages"]}
    assert set(used) | replies == messages
    assert not set(used) & replies


def test_a_message_says_who_hears_it() -> None:
    message = json.loads(asyncapi_text())["components"]["messages"]["payout-created"]
    assert (message["x-rooms"], message["x-everyone"]) == (["user-<sellerId>"], True)
    assert "Goes to everyone, among them `user-<sellerId>`." in message["description"]
