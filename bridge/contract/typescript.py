"""The contract as TypeScript: the two maps of events that `Socket` of socket.io-client takes, and their payloads."""

import json
import textwrap
from collections.abc import Iterable, Iterator

from bridge.catalogue import ADDITIONS, CATEGORIES, EVENTS
from bridge.catalogue.chat import UserStatusChange, UserTyping
from bridge.catalogue.client_events import CLIENT_EVENTS, ClientEvent
from bridge.catalogue.session import BridgeStopping, SessionEnded
from bridge.catalogue.system import SystemStatus
from bridge.contract.acknowledgements import answer_to
from bridge.contract.schemas import Schema, Schemas, argument_model, read_schemas
from bridge.contract.wording import describe_client_event, describe_event
from coordinator.events import Payload

__all__ = ["typescript_text"]

HEADER = """\
// Generated from the catalogue by `bridge contract --format typescript`; `make contract` writes it anew.
//
//     import { io, type Socket } from "socket.io-client";
//     import type { ClientToServerEvents, ServerToClientEvents } from "./events";
//
//     const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io(url);
//
// The types of what is asked by HTTP are in `rest.d.ts`.

import type { Socket } from "socket.io-client";
"""
SERVER_NOTE = [
    "What the server sends.",
    "Where there is one, the last argument is the event's offset in the journal, which socket.io-client keeps for its"
    " recovery. It is missing for who connects with `recovery: false`.",
]
CLIENT_NOTE = [
    "What clients send. Every event is answered.",
    "The last parameter is the acknowledgement: `await socket.emitWithAck(event, argument)` gives what it is called"
    " with, and `socket.emit(event, argument, (answer) => …)` hears it. Whoever does not care for the answer leaves"
    " it out. After `socket.timeout(…)` it is `any`; name the type then, `RoomsAnswer`, `UsersAnswer`,"
    " `TokenAnswer` or `Answer`.",
]
# socket.io-client 4.8 types `emitWithAck` by the last parameter of an event. Of one that may be missing (`answer?`,
# `answer: … | void`, or a union of tuples) its types make `any`; so it is required, and `emit` has this way more.
WITHOUT_ANSWER = """\
type WithoutAnswer<All extends unknown[]> = All extends [...infer Arguments, unknown] ? Arguments : never;

declare module "socket.io-client" {
  interface Socket<ListenEvents, EmitEvents> {
    /** Sends an event, and does not ask for its answer. */
    emit<Name extends keyof ClientToServerEvents>(
      this: Socket<ListenEvents, ClientToServerEvents>,
      event: Name,
      ...argument: WithoutAnswer<Parameters<ClientToServerEvents[Name]>>
    ): this;
  }
}
"""
WIDTH = 118


class UnknownSchemaError(ValueError):
    """A schema of a kind that no event had so far; this module has to learn it."""


def typescript_text() -> str:
    schemas = read_schemas("")
    parts = [HEADER, *_server_events(schemas), *_client_events(schemas), *_definitions(schemas)]
    return "\n".join(parts).rstrip() + "\n"


def _server_events(schemas: Schemas) -> Iterator[str]:
    yield from _comment(SERVER_NOTE)
    yield "export interface ServerToClientEvents {"
    kinds: dict[str, Iterable[type[Payload]]] = {**CATEGORIES, "additions": ADDITIONS}
    for category, models in kinds.items():
        yield f"\n  // {category}"
        for model in models:
            yield ""
            yield from _comment(describe_event(model), "  ")
            yield f'  "{model.event_name}": (payload: {schemas.names[model]}{_offset(model)}) => void;'
    yield "}\n"


def _offset(model: type[Payload]) -> str:
    if model in (SessionEnded, BridgeStopping, SystemStatus):  # which are of the moment, and in no journal
        return ""
    # Who is there and who types the bridge tells by itself, and past the journal; a service may publish it, too.
    return ", offset?: string" if model in (UserTyping, UserStatusChange) else ", offset: string"


def _client_events(schemas: Schemas) -> Iterator[str]:
    yield from _comment(CLIENT_NOTE)
    yield "export interface ClientToServerEvents {"
    for name, event in CLIENT_EVENTS.items():
        yield ""
        yield from _comment(describe_client_event(event), "  ")
        yield f'  "{name}": ({_parameters(event, schemas)}) => void;'
    yield "}\n"
    yield WITHOUT_ANSWER


def _parameters(event: ClientEvent, schemas: Schemas) -> str:
    answer = f"answer: (answer: {schemas.names[answer_to(event)]}) => void"
    argument = schemas.argument(event)
    return answer if argument is None else f"{event.argument}: {_type(argument)}, {answer}"


def _definitions(schemas: Schemas) -> Iterator[str]:
    events = {schemas.names[model]: model.event_name for model in (*EVENTS.values(), *ADDITIONS)}
    for event in CLIENT_EVENTS.values():
        model = argument_model(event)
        if model is not None:
            events[schemas.names[model]] = event.name
    for name, schema in schemas.definitions.items():
        of_event = [f"What `{events[name]}` carries."] if name in events else []
        yield from _comment([schema["description"], *of_event])
        if schema.get("type") == "object":
            yield f"export interface {name} {{"
            yield from _fields(schema)
            yield "}\n"
        else:
            yield f"export type {name} = {_type(schema)};\n"


def _fields(schema: Schema) -> Iterator[str]:
    for name, field in schema.get("properties", {}).items():
        if "description" in field:
            yield from _comment([field["description"]], "  ")
        mark = "" if name in schema.get("required", ()) else "?"
        yield f"  {name}{mark}: {_type(field)};"
    if schema.get("additionalProperties") is True:
        yield "  [field: string]: unknown;"


def _type(schema: Schema) -> str:
    match schema:
        case {"$ref": str(name)}:
            return name
        case {"const": value}:
            return json.dumps(value)
        case {"enum": values}:
            return " | ".join(map(json.dumps, values))
        case {"anyOf": kinds} | {"oneOf": kinds}:
            return " | ".join(map(_type, kinds))
        case {"type": "array", "items": items}:
            of = _type(items)
            return f"({of})[]" if " " in of and "<" not in of else f"{of}[]"
        case {"type": "object"} if "properties" not in schema:
            return "Record<string, unknown>"
        case {"type": "integer" | "number"}:
            return "number"
        case {"type": "string" | "boolean" | "null" as kind}:
            return str(kind)
    raise UnknownSchemaError(f"there is no TypeScript for {json.dumps(schema)} yet; write it in {__name__}")


def _comment(paragraphs: list[str], indent: str = "") -> Iterator[str]:
    """A doc comment, on one line if it fits."""
    clean = [" ".join(paragraph.split()).replace("*/", "*\\/") for paragraph in paragraphs]
    line = f"{indent}/** {clean[0]} */"
    if len(clean) == 1 and len(line) <= WIDTH:
        yield line
        return
    yield f"{indent}/**"
    for number, paragraph in enumerate(clean):
        if number:
            yield f"{indent} *"
        yield from _wrapped(paragraph, f"{indent} * ")
    yield f"{indent} */"


def _wrapped(paragraph: str, indent: str) -> list[str]:
    return textwrap.wrap(
        paragraph,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
