"""Exports: the rows of a list as a file, in the form that the address ends with."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from zoneinfo import ZoneInfo

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.response import Stream

from bridge.compression import COMPRESSED
from bridge.http.front.openapi import problem_responses
from bridge.http.front.problems import AnyRequest, wrong_field
from bridge.http.ops.csv import csv_lines
from bridge.http.ops.workbooks import SHEET_ROWS, SheetTooLongError, workbook
from coordinator.models import FrozenModel

__all__ = ["export", "exported", "one_page"]

MEDIA_TYPES = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
DESCRIPTIONS = {
    "csv": "Every row of the filter",
    "xlsx": f"Every row of the filter, up to {SHEET_ROWS}, with amounts as numbers and times of the zone",
}


def export(name: str, summary: str) -> Callable[[Callable[..., Awaitable[Stream]]], list[HTTPRouteHandler]]:
    """Makes a route of each form of a function that answers with `exported`."""

    def routes(answer: Callable[..., Awaitable[Stream]]) -> list[HTTPRouteHandler]:
        return [_route(name, form, summary)(answer) for form in MEDIA_TYPES]

    return routes


def _route(name: str, form: str, summary: str) -> get:
    spec = ResponseSpec(str, description=DESCRIPTIONS[form], media_type=MEDIA_TYPES[form], generate_examples=False)
    return get(
        f"/{name}.{form}",
        summary=summary,
        operation_id=f"export{''.join(map(str.capitalize, name.split('-')))}As{form.capitalize()}",
        media_type=MEDIA_TYPES[form],
        middleware=COMPRESSED if form == "csv" else (),  # a workbook is compressed as it is
        responses={200: spec, **problem_responses({400: "Something is wrong, or there are too many rows"})},
    )


async def exported(
    request: AnyRequest, model: type[FrozenModel], pages: AsyncIterator[Sequence[FrozenModel]], zone: ZoneInfo
) -> Stream:
    """Rows page by page, as a file. Raises ValidationException for more than go into it."""
    name = request.url.path.rpartition("/")[2]
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    if name.endswith(".csv"):
        return Stream(csv_lines(model, pages), media_type=MEDIA_TYPES["csv"], headers=headers)
    try:
        return Stream(await workbook(model, pages, zone), media_type=MEDIA_TYPES["xlsx"], headers=headers)
    except SheetTooLongError as error:
        raise wrong_field("rows", str(error)) from None


async def one_page(rows: Sequence[FrozenModel]) -> AsyncIterator[Sequence[FrozenModel]]:
    """Rows that are all there already."""
    yield rows
