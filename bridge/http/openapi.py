"""The OpenAPI document: its head, and small pieces that the routes use to describe themselves."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from litestar.openapi import OpenAPIConfig, ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Example, OpenAPIMediaType, OpenAPIType, RequestBody, Schema
from pydantic import Field

from bridge.http.problems import PROBLEM_MEDIA_TYPE
from coordinator.models import FrozenModel

__all__ = ["Problem", "json_body", "openapi_config", "problem_responses"]


class FieldProblem(FrozenModel):
    """One field that is wrong."""

    field: str
    message: str


class Problem(FrozenModel):
    """An RFC 9457 problem document."""

    type: str = Field(examples=["about:blank"])
    title: str
    status: int
    detail: str = Field(description="What was wrong, what was expected, what to do.")
    errors: list[FieldProblem] | None = Field(None, description="Each wrong field, where there are some.")


def problem_responses(by_status: Mapping[int, str]) -> dict[int, ResponseSpec]:
    """The problems a route may answer with."""
    return {
        status: ResponseSpec(Problem, description=description, media_type=PROBLEM_MEDIA_TYPE, generate_examples=False)
        for status, description in by_status.items()
    }


def json_body(description: str, example: Mapping[str, Any]) -> RequestBody:
    """A JSON object that the route reads by itself."""
    return RequestBody(
        required=True,
        description=description,
        content={
            "application/json": OpenAPIMediaType(
                schema=Schema(type=OpenAPIType.OBJECT), examples={"example": Example(value=dict(example))}
            )
        },
    )


openapi_config = OpenAPIConfig(
    title="The bridge",
    version=version("bridge"),
    description="Webhooks of payment providers in, payment events out. Amounts are decimal strings.",
    path="/schema",
    render_plugins=[JsonRenderPlugin(path="/openapi.json")],
    use_handler_docstrings=True,
)
