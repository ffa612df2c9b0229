"""The JSON Schema against the specification's sample payloads, and against the answers that clients get."""

import copy
import functools
import json
import subprocess
from collections.abc import Iterator
from typing import Any, get_args

import jsonschema_rs
import pytest

from bridge.catalogue.answers import ErrorCode, failure, success
from bridge.contract.json_schema import json_schema_text
from coordinator.ids import is_id
from tests.specification import ROWS, Row

FREE_FORM = ("new-purchase-request", "offer", "notification.data", "message.attachments")
rows = pytest.mark.parametrize("row", ROWS, ids=[row.event for row in ROWS])


@functools.cache
def schema() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json_schema_text())
    return document


@functools.cache
def validator() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(schema())


def accepts(event: str, payload: object) -> bool:
    return validator().is_valid({"serverToClient": {event: payload}})


def exchange(event: str, **parts: object) -> bool:
    return validator().is_valid({"clientToServer": {event: parts}})


def objects(value: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of a payload that has fields of its own, by its path."""
    if isinstance(value, dict) and path not in FREE_FORM:
        yield path, value
        for name, inner in value.items():
            yield from objects(inner, f"{path}.{name}".lstrip("."))


def without(payload: dict[str, Any], field: str) -> dict[str, Any]:
    changed = copy.deepcopy(payload)
    *path, name = field.split(".")
    holder = changed
    for part in path:
        holder = holder[part]
    del holder[name]
    return changed


def test_the_document_is_a_schema_of_2020_12_and_names_each_model_once() -> None:
    jsonschema_rs.meta.validate(schema())
    assert schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    shapes = [json.dumps({**one, "title": ""}, sort_keys=True) for one in schema()["$defs"].values()]
    assert len(set(shapes)) == len(shapes)


REFUSED = """
const [pattern, codes] = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const id = new RegExp(pattern, "u");
process.stdout.write(JSON.stringify(codes.filter((code) => !id.test(`a${String.fromCodePoint(code)}b`))));
"""


def test_the_pattern_of_an_id_refuses_in_javascript_what_the_bridge_refuses() -> None:
    patterns = {one["pattern"] for one in found_in(schema(), "pattern") if "200b" in one["pattern"]}
    [pattern] = patterns
    planes = [range(0xD800), range(0xE000, 0x20000), range(0xE0000, 0xE1000), range(0xFFF00, 0x100100)]
    codes = [code for plane in planes for code in plane]
    told = json.dumps([pattern, codes])
    run = subprocess.run(["node", "-e", REFUSED], input=told, capture_output=True, text=True, check=True)
    assert json.loads(run.stdout) == [code for code in codes if not is_id(f"a{chr(code)}b")]


def found_in(value: Any, name: str) -> Iterator[dict[str, Any]]:
    """Every object that has a member of that name."""
    if isinstance(value, dict):
        if isinstance(value.get(name), str):
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from found_in(inner, name)


@rows
def test_the_sample_of_the_specification_is_accepted(row: Row) -> None:
    assert accepts(row.event, row.payload)


@rows
def test_an_unknown_field_is_refused_unless_the_object_is_free_form(row: Row) -> None:
    if row.event == "new-purchase-request":
        assert accepts(row.event, {**row.payload, "surprise": 1})
        return
    payload = copy.deepcopy(row.payload)
    for _, part in objects(payload, ""):
        part["surprise"] = 1
        assert not accepts(row.event, payload)
        del part["surprise"]
        assert accepts(row.event, payload)


@rows
def test_a_field_may_be_missing_only_if_the_specification_says_so_and_is_then_never_null(row: Row) -> None:
    if row.event == "new-purchase-request":
        return
    for path, part in objects(row.payload, ""):
        for name in part:
            field = f"{path}.{name}".lstrip(".")
            assert accepts(row.event, without(row.payload, field)) == (field in row.optional)
    for field in row.optional:
        changed = without(row.payload, field)
        holder, _, name = field.rpartition(".")
        (changed[holder] if holder else changed)[name] = None
        assert not accepts(row.event, changed)


def test_an_offer_id_may_be_null_and_an_amount_is_a_decimal_string() -> None:
    payloads = {row.event: copy.deepcopy(row.payload) for row in ROWS}
    payloads["seller-offer-update"]["data"]["offerId"] = None
    assert accepts("seller-offer-update", payloads["seller-offer-update"])
    for amount in (49.9, "4.99E1", "-1", ""):
        assert not accepts("payment-created", {**payloads["payment-created"], "amount": amount})


def test_a_free_form_object_takes_any_field() -> None:
    payloads = {row.event: copy.deepcopy(row.payload) for row in ROWS}
    payloads["new-offer"]["offer"]["surprise"] = 1
    payloads["new-notification"]["notification"]["data"]["surprise"] = 1
    payloads["new-message"]["message"]["attachments"][0]["surprise"] = 1
    for event in ("new-offer", "new-notification", "new-message"):
        assert accepts(event, payloads[event])


def test_what_a_client_sends_has_its_argument() -> None:
    assert exchange("join-user-room", argument="u1")
    assert not exchange("join-user-room")
    assert not exchange("join-user-room", argument="")
    assert not exchange("join-user-room", argument=17)
    assert exchange("join-ops-room")
    assert not exchange("join-ops-room", argument="ops")
    assert exchange("typing-stop", argument={"chatId": "c1", "userId": "u1"})
    assert not exchange("typing-stop", argument={"chatId": "c1", "userId": "u1", "userName": "Bea"})


@pytest.mark.parametrize("code", get_args(ErrorCode))
def test_the_answers_are_those_that_the_server_gives(code: Any) -> None:
    refused = failure(code, "no")
    assert exchange("leave-ops-room", answer=refused)
    assert exchange("typing-stop", argument={"chatId": "c1", "userId": "u1"}, answer=refused)
    assert exchange("leave-ops-room", answer=success(rooms=["ops"]))
    assert not exchange("leave-ops-room", answer=success())
    assert exchange("typing-stop", argument={"chatId": "c1", "userId": "u1"}, answer=success())
    assert not exchange("leave-ops-room", answer={"ok": False, "error": {"code": "nonsense", "message": "no"}})
    assert not exchange("leave-ops-room", answer={"ok": True, "error": refused["error"]})
