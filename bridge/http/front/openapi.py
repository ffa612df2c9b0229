"""The OpenAPI document: its head, and small pieces that the routes use to describe themselves."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

from litestar import Response, Router
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig, ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import (
    Components,
    Example,
    OpenAPI,
    OpenAPIMediaType,
    OpenAPIType,
    RequestBody,
    Schema,
    SecurityScheme,
    Tag,
)
from litestar.params import HeaderParameter
from litestar.plugins import ReceiveRoutePlugin
from litestar.routes import BaseRoute, HTTPRoute
from pydantic import Field

from bridge import __version__
from bridge.http.front.callers import FOR_OPS, FOR_SERVICES
from bridge.http.front.problems import PROBLEM_MEDIA_TYPE, AnyRequest
from bridge.static_answers import static_answer
from coordinator.models import FrozenModel

__all__ = ["IdempotencyKeyHeader", "Problem", "RouteConventions", "json_body", "openapi_config", "problem_responses"]


IdempotencyKeyHeader = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="Any text of the caller's choice; what it does is said above all routes.",
    ),
]
"""With it a repeat of the same request does nothing, and gets the first answer."""


IDEMPOTENCY = (
    "A request with an `Idempotency-Key` is done once. With what was done the key and a digest of the request are"
    " kept for `retention_days`, for each service and kind of request apart; what was refused leaves nothing behind,"
    " and after a 503 the same request with the same key is done once. A repeat does nothing and is answered with"
    " what the first one made, as it stands by then: with the offsets of events (202), the payouts (202), the"
    " payment, the template checkout or the refund (200, where the first answer was 201). The same key with another"
    " request is a 422, and nothing is done. Requests are the same if they mean the same, however their JSON is"
    " written; those with events if their bytes are. After `retention_days` a key is as good as new."
)
"""What the header does, on every route that takes it."""


class FieldProblem(FrozenModel):
    """One field that is wrong."""

    field: str
    message: str
    code: str | None = Field(
        None,
        description="What is wrong with a destination, in one word: `not_an_address`, `mistyped`, `other_network`, "
        "`own_address` or `not_payable`. Left out of all else.",
    )


class Problem(FrozenModel):
    """An RFC 9457 problem document."""

    type: str = Field(examples=["about:blank"])
    title: str
    status: int
    detail: str = Field(description="What was wrong, what was expected, what to do.")
    errors: list[FieldProblem] | None = Field(None, description="The first 20 wrong fields, where there are some.")


def problem_responses(by_status: Mapping[int, str]) -> dict[int, ResponseSpec]:
    """The problems a route may answer with."""
    return {
        status: ResponseSpec(Problem, description=description, media_type=PROBLEM_MEDIA_TYPE, generate_examples=False)
        for status, description in by_status.items()
    }


def json_body(description: str, examples: Mapping[str, Mapping[str, Any]]) -> RequestBody:
    """A JSON object that the route reads by itself, with examples by their names."""
    return RequestBody(
        required=True,
        description=description,
        content={
            "application/json": OpenAPIMediaType(
                schema=Schema(type=OpenAPIType.OBJECT),
                examples={name: Example(value=dict(one)) for name, one in examples.items()},
            )
        },
    )


class RouteConventions(ReceiveRoutePlugin):
    """Adds to the description of each route what holds for all of its kind, where it says nothing of its own."""

    def receive_route(self, route: BaseRoute) -> None:
        if isinstance(route, HTTPRoute):
            for handler, _ in route.route_handler_map.values():
                if handler.resolve_include_in_schema():
                    _describe(handler)


def _describe(handler: HTTPRouteHandler) -> None:
    given = handler.parsed_fn_signature.parameters
    problems: dict[int, str] = {}
    if "service" in given or handler.opt.get(FOR_SERVICES):
        problems[401] = "No token of a service"
        handler.security = [{"serviceToken": []}]
    if "principal" in given or handler.opt.get(FOR_OPS):
        problems[401] = "No good token"
        handler.security = [{"userToken": []}, {"serviceToken": []}]
    if handler.opt.get(FOR_OPS):
        problems[403] = "Neither staff nor a service that reads"
    elif "POST" in handler.http_methods:
        problems[403] = "A page of another origin asks"
    if "POST" in handler.http_methods:
        problems[413] = "Too large"
    elif problems:  # it is asked for what the journal holds, by whoever may
        problems[503] = "It cannot be looked up at this moment; ask again in a few seconds"
    if problems:
        problems[400] = "Something is wrong; the answer names it"
    described = handler.responses or {}
    handler.responses = {**problem_responses(problems), **described}


def _operation_id(handler: HTTPRouteHandler, *_: object) -> str:
    """The name of the route's function as programs in other languages spell it."""
    first, *others = handler.handler_name.split("_")
    return first + "".join(map(str.capitalize, others))


class DescribedOpenAPI(OpenAPIConfig):
    """What the document says of each field is read when the document is first wanted."""

    def to_openapi_schema(self) -> OpenAPI:
        from bridge.contract.docstrings import describe_fields

        describe_fields()
        return super().to_openapi_schema()


DOCUMENT = "/openapi.json"
MEDIA_TYPE = "application/vnd.oai.openapi+json"
# It is another with another version of the bridge.
HEADERS = {"Cache-Control": "no-cache"}


class _MadeAtTheSide:
    """Answers with the document. It is made in a thread, once, when somebody wants it: that takes a second or more,
    in which the event loop answers others."""

    def __init__(self) -> None:
        self._making: asyncio.Task[bytes] | None = None

    async def __call__(self, request: AnyRequest) -> Response[bytes] | None:
        if not request.url.path.endswith(DOCUMENT):
            return None
        if self._making is None or (self._making.done() and self._making.exception() is not None):
            self._making = asyncio.create_task(asyncio.to_thread(_made, request))
        content = await asyncio.shield(self._making)  # who asked first may go; others wait for it too
        return await static_answer(request, content, MEDIA_TYPE, HEADERS)


def _made(request: AnyRequest) -> bytes:
    plugin: Any = request.app.plugins.get("OpenAPIPlugin")
    return JsonRenderPlugin.render_json(request, plugin.provide_openapi_schema())


def openapi_config() -> OpenAPIConfig:
    """How an application describes itself."""
    return DescribedOpenAPI(
        title="The bridge",
        version=__version__,
        description=(
            "Webhooks of payment providers in, payment events out. Amounts are decimal strings. Errors are problem "
            "documents (RFC 9457). Where the bridge is set to ask nobody who they are, no token is needed.\n\n"
            + IDEMPOTENCY
        ),
        openapi_router=Router("/schema", route_handlers=[], include_in_schema=False, before_request=_MadeAtTheSide()),
        render_plugins=[JsonRenderPlugin(path=DOCUMENT)],  # which gives the path alone: it is answered before
        use_handler_docstrings=True,
        operation_id_creator=_operation_id,
        components=Components(
            security_schemes={
                "serviceToken": SecurityScheme(
                    type="http", scheme="bearer", description="The token of a service, for writing."
                ),
                "userToken": SecurityScheme(
                    type="http", scheme="bearer", bearer_format="JWT", description="The token of a user, for reading."
                ),
            }
        ),
        tags=[
            Tag("Payments", "Register payments, and look up their status."),
            Tag("Payouts", "Send money to sellers, and look up its status."),
            Tag("Refunds", "Send money back to buyers, and look up its status."),
            Tag("Chains", "How far chains are followed, and what on them a person has to look at."),
            Tag("Events", "Publish events, and read those of the past."),
            Tag("Endpoints", "Where services are sent events, and how each delivery stands."),
            Tag("Catching up", "What a client that was away looks up."),
            Tag("Webhooks", "For payment providers."),
            Tag("Console", "What finance ops look at, and what they do about it."),
            Tag("Access", "Take back what tokens grant."),
            Tag("Health", "For supervisors."),
        ],
    )
