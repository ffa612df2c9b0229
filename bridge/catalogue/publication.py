"""What a service publishes: a name, a target and data, checked against the catalogue before anything is stored."""

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from pydantic import ValidationError

from bridge.catalogue import EVENTS
from coordinator.errors import BridgeError
from coordinator.events import Event, Payload, TargetError
from coordinator.ids import ID_LIMIT_CHARACTERS, is_id
from coordinator.json_text import has_more_parts

__all__ = ["PUBLICATIONS_LIMIT", "Fault", "PublicationRefusedError", "read_publications"]

# One batch is one transaction and one stretch of the journal; more come as well in a second request.
PUBLICATIONS_LIMIT = 500
# Of the data of one event; a fault in each costs some milliseconds together.
DATA_PARTS_LIMIT = 5_000
# After which nothing more is looked at.
FAULTS_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: the field, as in `events.3.data.requestId`, and what it should be."""

    field: str
    message: str


class PublicationRefusedError(BridgeError):
    """Something of a request to publish is wrong, so nothing of it is taken."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(f"{fault.field}: {fault.message}" for fault in faults))
        self.faults = faults


def read_publications(body: object) -> list[Event]:
    """The events of `{"event", "target", "data"}` or of `{"events": [...]}`, in their order.

    Raises PublicationRefusedError with the faults there are, or with the first hundred or so.
    """
    if not isinstance(body, dict):
        raise PublicationRefusedError([Fault("body", 'expected {"event", "target", "data"} or {"events": [...]}')])
    if "events" not in body:
        faults, event = _read_one(body, "")
        if event is None:
            raise PublicationRefusedError(faults)
        return [event]
    publications = body["events"]
    if not isinstance(publications, list) or not 0 < len(publications) <= PUBLICATIONS_LIMIT or len(body) > 1:
        message = f"expected a list of 1 to {PUBLICATIONS_LIMIT} events, and nothing beside it"
        raise PublicationRefusedError([Fault("events", message)])
    found: list[Fault] = []
    events: list[Event] = []
    for number, one in enumerate(publications):
        faults, event = _read_one(one, f"events.{number}.")
        found += faults
        if event is not None:
            events.append(event)
        if len(found) >= FAULTS_LIMIT:
            break
    if found:
        raise PublicationRefusedError(found)
    return events


def _read_one(publication: object, prefix: str) -> tuple[list[Fault], Event | None]:
    if not isinstance(publication, dict):
        return [Fault(prefix.rstrip("."), 'expected {"event", "target", "data"}')], None
    name, target, data = publication.get("event"), publication.get("target", {}), publication.get("data")
    model = EVENTS.get(name) if isinstance(name, str) else None
    faults = [
        Fault(prefix + field, "there is no such field; known: event, target, data")
        for field in sorted(publication.keys() - {"event", "target", "data"})[:FAULTS_LIMIT]
    ]
    if model is None:
        return [*faults, Fault(f"{prefix}event", _unknown(name))], None
    payload, wrong_data = _read_data(model, data)
    faults += [Fault(f"{prefix}data{field}", message) for field, message in wrong_data]
    faults += [
        Fault(f"{prefix}target{field}", message) for field, message in islice(_wrong_ids(model, target), FAULTS_LIMIT)
    ]
    if faults or payload is None:
        return faults, None
    try:
        return [], payload.to(**target)
    except TargetError as error:
        return [Fault(f"{prefix}target.{error.id_name}", "missing; the event's room is made of it")], None


def _unknown(name: object) -> str:
    if not isinstance(name, str):
        return "expected the name of an event of the catalogue"
    near = difflib.get_close_matches(name[:ID_LIMIT_CHARACTERS], EVENTS, n=1)
    return "there is no such event" + (f"; did you mean {near[0]}?" if near else "")


def _read_data(model: type[Payload], data: object) -> tuple[Payload | None, list[tuple[str, str]]]:
    if not isinstance(data, dict):
        return None, [("", "expected the event's payload, an object")]
    try:
        # As JSON, because only there does strictness mean that nothing is converted.
        text = json.dumps(data, allow_nan=False)
        if has_more_parts(text, DATA_PARTS_LIMIT):
            return None, [("", f"has more than {DATA_PARTS_LIMIT} values, which no event has")]
        return model.model_validate_json(text, strict=True), []
    except ValidationError as error:
        return None, [
            ("".join(f".{part}" for part in fault["loc"]), fault["msg"].removeprefix("Value error, "))
            for fault in error.errors(include_url=False, include_input=False, include_context=False)
        ]
    except (RecursionError, ValueError):
        return None, [("", "holds numbers that JSON does not have, or is nested too deeply")]


def _wrong_ids(model: type[Payload], target: object) -> Iterator[tuple[str, str]]:
    if not isinstance(target, Mapping):
        yield "", "expected an object of ids"
        return
    taken = model.target_ids()
    for id_name, identifier in target.items():
        if id_name not in taken:
            known = ", ".join(taken) if taken else "no id at all"
            yield f".{id_name}", f"{model.event_name} takes {known} as its target"
        elif not is_id(identifier):
            yield f".{id_name}", f"expected a non-empty string of at most {ID_LIMIT_CHARACTERS} characters"
