"""What an event is: a name, a payload with exactly the specified fields, and an audience that follows from both.

Each kind of event is one model, a `Payload` with its `AudienceRule` beside it; this is the only place that turns ids
into audiences.
"""

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import Field, StringConstraints

from coordinator.compact_json import compact_json
from coordinator.errors import BridgeError
from coordinator.models import FrozenModel

__all__ = [
    "EVERYONE",
    "Audience",
    "AudienceRule",
    "Document",
    "Event",
    "IfKnown",
    "Payload",
    "RoomRule",
    "TargetError",
    "Text",
    "audience_of",
    "event_of",
    "unless_none",
]

Text = Annotated[str, StringConstraints(max_length=10_000)]
Target = Mapping[str, str | Sequence[str]]
"""Ids that the rooms of an event are made of, by their names on the wire; several of one name make several rooms."""
_NO_TARGET: Target = {}
Document = dict[str, Any]
"""A free-form JSON object: the specification names it without its fields."""


def unless_none(value: object) -> bool:
    return value is None


IfKnown = Annotated[Text | None, Field(exclude_if=unless_none)]
"""An optional field of the specification: left out of the JSON when it is None."""


class TargetError(BridgeError):
    """The ids given do not name the rooms of an event."""

    def __init__(self, id_name: str, message: str) -> None:
        super().__init__(f"{id_name}: {message}")
        self.id_name = id_name


class Audience(NamedTuple):
    """Who hears an event: everyone, or the members of some rooms. A client in several of the rooms hears it once.

    An event "to everyone and a room" names both: the rooms are the parties to it, for a server that does not
    send global events to strangers.
    """

    everyone: bool = False
    rooms: tuple[str, ...] = ()


class Event(NamedTuple):
    """A name, an audience and a payload, which is JSON from here on, as the journal and the clients have it."""

    name: str
    audience: Audience
    payload_json: str
    subject: str | None = None
    """The id of the purchase request or the chat message that it tells about, by which its past is found again."""

    @property
    def payload(self) -> dict[str, Any]:
        """What the payload says."""
        said: dict[str, Any] = json.loads(self.payload_json)
        return said


# Of a tuple, for those who make many: a `NamedTuple`'s own constructor is one more call of Python's for each.
audience_of: Callable[[tuple[bool, tuple[str, ...]]], Audience] = partial(tuple.__new__, Audience)
event_of: Callable[[tuple[str, Audience, str, str | None]], Event] = partial(tuple.__new__, Event)


@dataclass(frozen=True, slots=True)
class RoomRule:
    """One room of an audience: made from an id that the payload holds, or else the target."""

    make: Callable[[str], str]
    id_name: str
    """The id's name on the wire, such as `sellerId`."""
    if_known: bool = False
    """Whether there is no such room where the id is not given."""


@dataclass(frozen=True, slots=True)
class AudienceRule:
    """Whom one kind of event goes to."""

    everyone: bool = False
    rooms: tuple[RoomRule, ...] = ()
    fixed_rooms: tuple[str, ...] = ()
    everyone_if: tuple[str, str] | None = None
    """A field, and what it says of events that go to everyone as well."""
    confidential: bool = False
    """It tells of somebody's money. Where clients have to say who they are, only its rooms and staff receive it, even
    if it goes to everyone elsewhere."""


EVERYONE = AudienceRule(everyone=True)


class Payload(FrozenModel):
    """The payload of one kind of event, and whom that kind goes to."""

    event_name: ClassVar[str]
    audience_rule: ClassVar[AudienceRule]
    subject_field: ClassVar[str] = "request_id"
    """Holds what its past is found by."""

    @classmethod
    def target_ids(cls) -> tuple[str, ...]:
        """The ids that the event's rooms are made of and its payload does not hold, by their names on the wire."""
        held = {field.alias for field in cls.model_fields.values()}
        return tuple(dict.fromkeys(rule.id_name for rule in cls.audience_rule.rooms if rule.id_name not in held))

    @property
    def subject(self) -> str | None:
        """What the payload says it is about: the purchase request, unless a kind knows better."""
        subject: str | None = self.value_of(self.subject_field)
        return subject

    def to(self, **target: str | Sequence[str]) -> Event:
        """The event that carries this payload. `target` holds `target_ids()`, and may hold more; several ids of one
        name make several rooms.

        Raises TargetError if one is missing, unless the event goes to everyone anyway.
        """
        rule, said = self.audience_rule, self.all_values
        everyone = rule.everyone or (
            rule.everyone_if is not None and said[rule.everyone_if[0]] == rule.everyone_if[1]
        )
        rooms = dict.fromkeys(rule.fixed_rooms)  # because a room that two ids make is one room
        for make, id_name, if_known, field_name in _sources_of(type(self)):
            named = said.get(field_name) or target.get(id_name)
            if type(named) is str:
                rooms[make(named)] = None
            elif named:
                rooms.update(dict.fromkeys(map(make, named)))
            elif not everyone and not if_known:
                raise TargetError(id_name, f"{self.event_name} goes to a room that is made of it")
        subject = self.subject
        if subject is None and type(about := target.get("requestId")) is str:
            subject = about
        return Event(self.event_name, Audience(everyone, tuple(rooms)), self._json(), subject)

    def _json(self) -> str:
        try:
            return self.model_dump_json()
        except ValueError:  # halves of characters in a free-form part
            return compact_json(self.model_dump(mode="json"))


class _Source(NamedTuple):
    """A room's rule, and the field that holds its id."""

    make: Callable[[str], str]
    id_name: str
    if_known: bool
    field_name: str
    """Empty where the target has it: no field is named so."""


@functools.cache
def _sources_of(model: type[Payload]) -> tuple[_Source, ...]:
    """The same for all payloads of a kind."""
    names = {field.alias or name: name for name, field in model.model_fields.items()}
    return tuple(
        _Source(rule.make, rule.id_name, rule.if_known, names.get(rule.id_name, ""))
        for rule in model.audience_rule.rooms
    )
