"""The JSON Schemas of everything in the catalogue, each model once, as it is on the wire. The formats use them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from bridge.catalogue import ADDITIONS, EVENTS
from bridge.catalogue.client_events import CLIENT_EVENTS, ClientEvent, IdEvent, ObjectEvent
from bridge.contract.acknowledgements import ANSWERS
from bridge.contract.docstrings import field_docstrings
from coordinator.ids import Id

__all__ = ["Schema", "Schemas", "argument_model", "read_schemas", "references"]

Schema = dict[str, Any]


class _WireSchema(GenerateJsonSchema):
    """Fields that are left out when they are None are optional and never null; fields have no titles, but
    the docstrings below them as their descriptions."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        made = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        for name, text in field_docstrings(model).items():
            alias = model.model_fields[name].alias or name
            made["properties"][alias].setdefault("description", text)
        return made

    def model_field_schema(self, schema: core_schema.ModelField) -> JsonSchemaValue:
        made = super().model_field_schema(schema)
        if "serialization_exclude_if" not in schema:
            return made
        [kept] = [kind for kind in made["anyOf"] if kind != {"type": "null"}]
        return {**{key: value for key, value in made.items() if key not in ("anyOf", "default")}, **kept}


@dataclass(frozen=True, slots=True)
class Schemas:
    """Every model by its name, in the catalogue's order, and which of them is whose."""

    definitions: Mapping[str, Schema]
    names: Mapping[type[BaseModel], str]
    id: Schema
    """What every event that takes an id takes."""
    prefix: str
    """What stands before a name in a reference."""

    def reference(self, model: type[BaseModel]) -> Schema:
        return {"$ref": self.prefix + self.names[model]}

    def argument(self, event: ClientEvent) -> Schema | None:
        """What a client's event takes; None if it takes nothing."""
        model = argument_model(event)
        if model is not None:
            return self.reference(model)
        return dict(self.id) if isinstance(event, IdEvent) and event.argument else None


def argument_model(event: ClientEvent) -> type[BaseModel] | None:
    """The model of the object that a client's event takes; None if it takes none."""
    return event.model if isinstance(event, ObjectEvent) else None


def read_schemas(prefix: str) -> Schemas:
    """All of the catalogue. `prefix` is where the format keeps its schemas, such as `#/$defs/`."""
    arguments = [model for event in CLIENT_EVENTS.values() if (model := argument_model(event))]
    models: list[type[BaseModel]] = [*ANSWERS, *arguments, *EVENTS.values(), *ADDITIONS]
    made, whole = models_json_schema(
        [(model, "validation") for model in models], ref_template=f"{prefix}{{model}}", schema_generator=_WireSchema
    )
    names = {model: made[model, "validation"]["$ref"].removeprefix(prefix) for model in models}
    found: dict[str, Schema] = {}
    for name in names.values():
        _collect(name, whole["$defs"], prefix, found)
    return Schemas(found, names, TypeAdapter(Id).json_schema(), prefix)


def _collect(name: str, definitions: Mapping[str, Schema], prefix: str, found: dict[str, Schema]) -> None:
    """Adds a model, and after it those that it is made of."""
    if name not in found:
        found[name] = definitions[name]
        for reference in references(definitions[name]):
            _collect(reference.removeprefix(prefix), definitions, prefix, found)


def references(part: object) -> Iterator[str]:
    """Every reference within a schema, in order."""
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        part = list(part.values())
    if isinstance(part, list):
        for inner in part:
            yield from references(inner)
