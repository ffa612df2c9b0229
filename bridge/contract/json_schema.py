"""The contract as one JSON Schema (2020-12): every payload in `$defs`, every event in a map from its name.

The map of what the server sends is `properties.serverToClient.properties`; that of what clients send is
`properties.clientToServer.properties`, where each event has its argument, if it takes one, and its answer.
"""

import json

from bridge.catalogue import ADDITIONS, EVENTS
from bridge.catalogue.client_events import CLIENT_EVENTS, ClientEvent
from bridge.contract.acknowledgements import answer_to
from bridge.contract.schemas import Schema, Schemas, read_schemas
from bridge.contract.wording import describe_client_event

__all__ = ["json_schema_text"]

DESCRIPTION = (
    "Generated from the catalogue by `bridge contract --format jsonschema`. The schema of an event's payload is"
    " at `properties.serverToClient.properties`, by the event's name; that of a client's event, with the `argument`"
    " that it takes and the `answer` that it gets, at `properties.clientToServer.properties`."
)


def json_schema_text() -> str:
    schemas = read_schemas("#/$defs/")
    sent = {model.event_name: schemas.reference(model) for model in (*EVENTS.values(), *ADDITIONS)}
    received = {name: _exchange(event, schemas) for name, event in CLIENT_EVENTS.items()}
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Events of the bridge",
        "description": DESCRIPTION,
        **_object({"serverToClient": _object(sent), "clientToServer": _object(received)}),
        "$defs": schemas.definitions,
    }
    return json.dumps(document, indent=2) + "\n"


def _exchange(event: ClientEvent, schemas: Schemas) -> Schema:
    argument = schemas.argument(event)
    parts = {} if argument is None else {"argument": argument}
    return {
        "description": "\n\n".join(describe_client_event(event)),
        **_object({**parts, "answer": schemas.reference(answer_to(event))}),
        "required": list(parts),
    }


def _object(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "additionalProperties": False}
