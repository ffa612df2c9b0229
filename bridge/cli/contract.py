"""`bridge contract`: prints the catalogue of events, or the routes, for front ends and tools."""

from enum import StrEnum
from typing import Annotated

import typer

__all__ = ["contract"]


class ContractFormat(StrEnum):
    """What the contract can be written as."""

    TYPESCRIPT = "typescript"
    ASYNCAPI = "asyncapi"
    JSON_SCHEMA = "jsonschema"
    OPENAPI = "openapi"


def contract(
    as_format: Annotated[ContractFormat, typer.Option("--format", help="What to write it as.")],
) -> None:
    """Print every event, both ways, with its payload: as TypeScript, AsyncAPI 3 or JSON Schema. Or print every route,
    as OpenAPI 3.1.

    Example: [bold]bridge contract --format typescript > events.d.ts[/bold]
    """
    from bridge.contract.asyncapi import asyncapi_text
    from bridge.contract.json_schema import json_schema_text
    from bridge.contract.typescript import typescript_text

    write = {
        ContractFormat.TYPESCRIPT: typescript_text,
        ContractFormat.ASYNCAPI: asyncapi_text,
        ContractFormat.JSON_SCHEMA: json_schema_text,
        ContractFormat.OPENAPI: _openapi_text,
    }[as_format]
    typer.echo(write().encode(), nl=False)  # as bytes, so that no terminal's encoding changes them


def _openapi_text() -> str:
    """The document that every bridge serves at `/schema/openapi.json`, however it is set."""
    import json

    from bridge.app import described_routes

    return json.dumps(described_routes(), indent=2) + "\n"
