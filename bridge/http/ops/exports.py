"""Exports: the rows of a list as a file, in the form that the address ends with."""

from collections.abc import AsyncIterator, Sequence
from zoneinfo import ZoneInfo

from litestar.openapi import ResponseSpec
from litestar.response import Stream

from bridge.http.front.openapi import problem_responses
from bridge.http.front.problems import AnyRequest, wrong_field
from bridge.http.ops.csv import csv_lines
from bridge.http.ops.sheets import SHEET_ROWS, SheetTooLongError, workbook
from coordinator.models import FrozenModel

__all__ = ["EXPORTED", "exported", "paths"]

CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
EXPORTED = {
    200: ResponseSpec(
        str,
        description=f"Every row of the filter, as CSV, or as a workbook (`.xlsx`) of up to {SHEET_ROWS} rows, in "
        "which amounts are numbers and times those of the zone",
        media_type=CSV,
        generate_examples=False,
    ),
    **problem_responses({400: "More rows than go into a workbook"}),
}


def paths(name: str) -> list[str]:
    """Where an export is asked for, in each form."""
    return [f"/{name}.csv", f"/{name}.xlsx"]


async def exported(
    request: AnyRequest, model: type[FrozenModel], pages: AsyncIterator[Sequence[FrozenModel]], zone: ZoneInfo
) -> Stream:
    """Rows page by page, as a file. Raises ValidationException for more than go into it."""
    name = request.url.path.rpartition("/")[2]
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    if name.endswith(".csv"):
        return Stream(csv_lines(model, pages), media_type=CSV, headers=headers)
    try:
        return Stream(await workbook(model, pages, zone), media_type=XLSX, headers=headers)
    except SheetTooLongError as error:
        raise wrong_field("rows", str(error)) from None
