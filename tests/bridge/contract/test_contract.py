"""The contract as a whole: every event is in it, it is always the same, and docs/contract holds the present one."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from bridge.catalogue import ADDITIONS, EVENTS
from bridge.catalogue.client_events import CLIENT_EVENTS
from bridge.contract.asyncapi import asyncapi_text
from bridge.contract.json_schema import json_schema_text
from bridge.contract.typescript import typescript_text
from tests.commands import COLD, run_command
from tests.specification import ROWS

FOLDER = Path(__file__).parents[3] / "docs" / "contract"
JAVASCRIPT = Path(__file__).parents[2] / "javascript"
FILES = {"typescript": "events.d.ts", "asyncapi": "asyncapi.json", "jsonschema": "events.schema.json"}

# The specification's table of what clients send, with the arguments it names.
CLIENT_TABLE = {
    "join-user-room": "userId",
    "join-request-room": "requestId",
    "leave-request-room": "requestId",
    "join-seller-room": "sellerId",
    "leave-seller-room": "sellerId",
    "join-buyer-room": "buyerId",
    "leave-buyer-room": "buyerId",
    "join-chat-room": "chatId",
    "leave-chat-room": "chatId",
    "user-online": "userId",
    "typing-start": "typing",
    "typing-stop": "typing",
}
ADDED = [
    *("session-ended", "bridge-stopping", "access-changed", "payment-progress", "payout-progress"),
    *("refund-opened", "refund-updated", "attention-updated", "system-status"),
]
CLIENT_ADDITIONS = {
    "join-template-checkout-room",
    "leave-template-checkout-room",
    "leave-user-room",
    "join-ops-room",
    "leave-ops-room",
    "watch-users",
    "unwatch-users",
    "refresh-token",
}


def members(interface: str) -> dict[str, str]:
    """The events of one of the two maps of the TypeScript, each with its first parameter."""
    [body] = re.findall(rf"^export interface {interface} {{\n(.*?)^}}", typescript_text(), re.MULTILINE | re.DOTALL)
    return dict(re.findall(r'^  "([a-z-]+)": \((\w+): ', body, re.MULTILINE))


@pytest.mark.parametrize("name", FILES)
def test_the_command_prints_what_is_committed(name: str) -> None:
    # In another process and with other hashes, so that nothing depends on either.
    run = subprocess.run(
        [COLD, "contract", "--format", name],
        env={"PATH": os.environ["PATH"], "PYTHONHASHSEED": "7", "LC_ALL": "C"},
        capture_output=True,
        check=True,
    )
    texts = {"typescript": typescript_text, "asyncapi": asyncapi_text, "jsonschema": json_schema_text}
    assert run.stdout.decode() == texts[name]()
    committed = (FOLDER / FILES[name]).read_bytes()
    assert committed == run.stdout, (
        f"docs/contract/{FILES[name]} is not what the catalogue says now: run `make contract`"
    )


def test_the_types_of_the_routes_are_those_that_are_committed() -> None:
    environment = {"PATH": os.environ["PATH"], "PYTHONHASHSEED": "7", "LC_ALL": "C"}
    document = subprocess.run(
        [COLD, "contract", "--format", "openapi"], env=environment, capture_output=True, check=True
    )
    generator = JAVASCRIPT / "node_modules" / ".bin" / "openapi-typescript"
    types = subprocess.run([generator], input=document.stdout, env=environment, capture_output=True, check=True)
    committed = (FOLDER / "rest.d.ts").read_bytes()
    assert committed == types.stdout, "docs/contract/rest.d.ts is not what the routes say now: run `make contract`"


def test_the_command_explains_itself(tmp_path: Path) -> None:
    page = run_command("contract", "--help", cwd=tmp_path, env=dict(os.environ)).stdout
    assert "Example: bridge contract --format typescript > events.d.ts" in page
    wrong = run_command("contract", "--format", "nonsense", cwd=tmp_path, env=dict(os.environ))
    assert wrong.returncode == 2
    assert "jsonschema" in wrong.stderr


def test_the_typescript_has_every_event() -> None:
    sent = members("ServerToClientEvents")
    assert list(sent) == [row.event for row in ROWS] + ADDED
    received = members("ClientToServerEvents")
    assert received.keys() == CLIENT_TABLE.keys() | CLIENT_ADDITIONS
    assert CLIENT_TABLE.items() <= received.items()


def test_the_asyncapi_document_has_every_event_in_its_direction() -> None:
    operations = json.loads(asyncapi_text())["operations"].values()
    names = {
        action: [
            message["$ref"].rpartition("/")[2]
            for operation in operations
            if operation["action"] == action
            for message in operation["messages"]
        ]
        for action in ("send", "receive")
    }
    assert names["send"] == [row.event for row in ROWS] + ADDED
    assert set(names["receive"]) == CLIENT_TABLE.keys() | CLIENT_ADDITIONS


def test_the_json_schema_has_every_event() -> None:
    directions = json.loads(json_schema_text())["properties"]
    assert list(directions["serverToClient"]["properties"]) == [row.event for row in ROWS] + ADDED
    assert set(directions["clientToServer"]["properties"]) == CLIENT_TABLE.keys() | CLIENT_ADDITIONS


def test_what_the_bridge_adds_is_marked_so() -> None:
    messages = json.loads(asyncapi_text())["components"]["messages"]
    marked = {name for name, message in messages.items() if message.get("x-addition")}
    assert marked == CLIENT_ADDITIONS | set(ADDED)
    assert typescript_text().count("The bridge adds it to the specification.") == len(marked)


def test_every_name_stands_for_one_event() -> None:
    names = [*EVENTS, *(model.event_name for model in ADDITIONS), *CLIENT_EVENTS]
    assert len(set(names)) == len(names)
