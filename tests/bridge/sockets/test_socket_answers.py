"""Every event of clients is answered as its type says, field by field: granted and refused, and also where nobody is
asked for a token."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import jsonschema_rs
import jwt
import pytest

from bridge.access.tokens import TokenVerifier
from bridge.catalogue.client_events import CLIENT_EVENTS
from bridge.contract.json_schema import json_schema_text
from bridge.sockets import create_socket_server
from tests.bridge.sockets.under_fire import SECRET

Serve = Callable[..., Awaitable[str]]
JoinIn = Callable[..., Awaitable[Any]]

OF_STAFF = jwt.encode({"sub": "x1", "exp": 4_000_000_000, "staff": True, "chats": ["c1"]}, SECRET, "HS256")
# What those take that take no id.
ARGUMENTS: dict[str, Any] = {
    "join-ops-room": None,
    "leave-ops-room": None,
    "typing-start": {"chatId": "c1", "userId": "x1", "userName": "Bea"},
    "typing-stop": {"chatId": "c1", "userId": "x1"},
    "watch-users": {"userIds": ["x1", "x2"]},
    "unwatch-users": {"userIds": ["x1"]},
    "refresh-token": {"token": OF_STAFF},
}


@pytest.mark.parametrize("is_open", [True, False], ids=["open", "jwt"])
async def test_every_answer_is_of_the_type_that_the_contract_gives_it(
    serve: Serve, join_in: JoinIn, is_open: bool
) -> None:
    validator = jsonschema_rs.Draft202012Validator(json.loads(json_schema_text()))
    verifier = None if is_open else TokenVerifier(secrets=[SECRET])
    server = create_socket_server(frontend_url="https://shop.example", verifier=verifier)
    client = await join_in(await serve(server), auth={"token": OF_STAFF})
    answers = {}
    for name in CLIENT_EVENTS:
        argument = ARGUMENTS.get(name, "x1")
        answers[name] = await client.call(name, argument)
        exchange = {"answer": answers[name]} | ({} if argument is None else {"argument": argument})
        assert answers[name]["ok"], (name, answers[name])
        refused = await client.call(name, {"of": "nothing"})
        assert not refused["ok"]
        for answer in (answers[name], refused):
            errors = [*validator.iter_errors({"clientToServer": {name: exchange | {"answer": answer}}})]
            assert not errors, (name, answer, errors)
        more = answers[name] | {"more": 1}
        assert not validator.is_valid({"clientToServer": {name: exchange | {"answer": more}}})
    # The connection is closed when the leeway for clocks that differ has passed, too.
    assert answers["refresh-token"]["expiresAt"] == (None if is_open else "2096-10-02T07:07:10.000Z")
