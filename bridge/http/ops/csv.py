"""Rows as CSV, for spreadsheets. It must never hand one a cell that it would run."""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence

from coordinator.models import FrozenModel

__all__ = ["csv_lines", "defused"]

# A spreadsheet takes what begins so for a formula; the wide forms are what some of them read the same.
_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def defused(text: str) -> str:
    """The text so that every spreadsheet shows it instead of running it."""
    return f"'{text}" if text.startswith(_BEGINS_A_FORMULA) else text


async def csv_lines(model: type[FrozenModel], pages: AsyncIterator[Sequence[FrozenModel]]) -> AsyncIterator[bytes]:
    """A heading and a line for each row, page by page; the columns are the fields as the API names them."""
    columns = [field.alias or name for name, field in model.model_fields.items()]
    yield _line(columns)
    async for page in pages:
        yield b"".join(_line(map(_cell, row.model_dump(mode="json").values())) for row in page)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return " ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _line(cells: Iterable[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow([defused(cell) for cell in cells])
    return text.getvalue().encode()
