"""The contract as an AsyncAPI 3.0 document: what the bridge sends, what it receives and how it answers.

Socket.IO's one namespace is the one channel. Rooms are no channels, since clients do not address them: each message
says in words, and in `x-rooms` and `x-everyone`, who hears it.
"""

import json
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

from bridge import __version__
from bridge.catalogue import ADDITIONS, CATEGORIES, EVENTS
from bridge.catalogue.client_events import CLIENT_EVENTS, ClientEvent
from bridge.contract.acknowledgements import ANSWERS, answer_to
from bridge.contract.schemas import Schema, Schemas, read_schemas
from bridge.contract.wording import describe_client_event, describe_event, rooms_of, summary_of
from coordinator.events import Payload

__all__ = ["asyncapi_text"]

CHANNEL = "root"
Part = dict[str, Any]

DESCRIPTION = (
    "The bridge stands between payment providers and users' screens: it verifies webhooks, moves the payments they"
    " are about, and tells browsers over Socket.IO. Generated from the catalogue by"
    " `bridge contract --format asyncapi`."
)
SERVER_DESCRIPTION = (
    "Socket.IO, as the stock client speaks it. Where the bridge asks clients who they are, `auth.token` of the"
    " handshake holds a token (JWT)."
)
CHANNEL_DESCRIPTION = (
    "The default namespace of Socket.IO. Each message is an event of the message's name, its payload the first"
    " argument."
)


def asyncapi_text() -> str:
    schemas = read_schemas("#/components/schemas/")
    messages = _messages(schemas)
    document = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "The bridge",
            "version": __version__,
            "description": DESCRIPTION,
        },
        "defaultContentType": "application/json",
        "servers": {"bridge": _server()},
        "channels": {
            CHANNEL: {
                "address": "/",
                "title": "The default namespace",
                "description": CHANNEL_DESCRIPTION,
                "servers": [{"$ref": "#/servers/bridge"}],
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
            }
        },
        "operations": {**_sends(), **_receives(schemas)},
        "components": {"schemas": schemas.definitions, "messages": messages},
    }
    return json.dumps(document, indent=2) + "\n"


def _server() -> Part:
    return {
        "host": "{host}",
        "pathname": "/socket.io/",
        "protocol": "socket.io",
        "protocolVersion": "5",
        "description": SERVER_DESCRIPTION,
        "variables": {"host": {"default": "127.0.0.1:8000", "description": "Where the bridge listens."}},
    }


def _messages(schemas: Schemas) -> Part:
    messages = {model.event_name: _event(model, schemas) for model in (*EVENTS.values(), *ADDITIONS)}
    messages |= {name: _client_event(event, schemas) for name, event in CLIENT_EVENTS.items()}
    return messages | {schemas.names[model]: _answer(model, schemas) for model in ANSWERS}


def _event(model: type[Payload], schemas: Schemas) -> Part:
    return {
        "name": model.event_name,
        "title": model.event_name,
        "summary": summary_of(model),
        "description": "\n\n".join(describe_event(model)),
        "payload": schemas.reference(model),
        "x-rooms": rooms_of(model),
        "x-everyone": model.audience_rule.everyone,
        "x-confidential": model.audience_rule.confidential,
        "x-addition": model in ADDITIONS,
    }


def _client_event(event: ClientEvent, schemas: Schemas) -> Part:
    argument = schemas.argument(event)
    taken = "Takes no argument." if argument is None else f"Its argument is the `{event.argument}`."
    payload: Part = {} if argument is None else {"payload": argument}
    return {
        "name": event.name,
        "title": event.name,
        "summary": event.effect,
        "description": "\n\n".join([*describe_client_event(event), taken]),
        **payload,
        "x-addition": event.is_addition,
    }


def _answer(model: type[BaseModel], schemas: Schemas) -> Part:
    name = schemas.names[model]
    return {
        "name": name,
        "title": name,
        "summary": schemas.definitions[name]["description"],
        "payload": schemas.reference(model),
    }


def _sends() -> Part:
    kinds: dict[str, Iterable[type[Payload]]] = {**CATEGORIES, "additions": ADDITIONS}
    return {
        f"send-{category}": {
            "action": "send",
            "channel": {"$ref": f"#/channels/{CHANNEL}"},
            "title": f"Events: {category}",
            "messages": [_in_channel(model.event_name) for model in models],
        }
        for category, models in kinds.items()
    }


def _receives(schemas: Schemas) -> Part:
    return {
        f"receive-{name}": {
            "action": "receive",
            "channel": {"$ref": f"#/channels/{CHANNEL}"},
            "title": name,
            "summary": event.effect,
            "messages": [_in_channel(name)],
            "reply": {
                "channel": {"$ref": f"#/channels/{CHANNEL}"},
                "messages": [_in_channel(schemas.names[answer_to(event)])],
            },
        }
        for name, event in CLIENT_EVENTS.items()
    }


def _in_channel(message: str) -> Schema:
    return {"$ref": f"#/channels/{CHANNEL}/messages/{message}"}
