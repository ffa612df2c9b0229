"""Rows as CSV, for spreadsheets. It must never hand one a cell that it would run."""

import csv
import io
import re
from codecs import BOM_UTF8
from collections.abc import AsyncIterator, Iterable, Sequence
from decimal import Decimal

from bridge.http.documents.unreadable import UnreadableItem
from coordinator.models import FrozenModel

__all__ = ["cell_text", "column_names", "csv_lines", "defused"]

# A spreadsheet takes what begins so for a formula, also behind blanks; the wide forms are what some of them read the
# same. Where commas are for decimals it looks for cells between semicolons, or tabs, and not for the quotes between
# commas: a cell may begin anywhere behind one.
_BEGINS_A_FORMULA = re.compile(r"((?:^|[;\t\r\n])\s*)(?=[=+\-@＝＋－＠])")


def defused(text: str) -> str:
    """The text so that every spreadsheet shows it instead of running it."""
    shown = _BEGINS_A_FORMULA.sub(r"\1'", text)
    return f"'{shown}" if shown.startswith(("\t", "\r", "\n")) else shown


async def csv_lines(model: type[FrozenModel], pages: AsyncIterator[Sequence[FrozenModel]]) -> AsyncIterator[bytes]:
    """A heading and a line for each row, page by page; the columns are the fields as the API names them."""
    # Without a byte order mark spreadsheets on Windows take it for text of their own code page.
    yield BOM_UTF8 + _line(map(defused, column_names(model)))
    async for page in pages:
        yield b"".join(_line(_cells(row)) for row in page)


def _cells(row: FrozenModel) -> Iterable[str]:
    if isinstance(row, UnreadableItem):
        return map(defused, (row.id, row.detail))
    return _fields(row)


def _fields(row: FrozenModel) -> Iterable[str]:
    said = row.model_dump(mode="json").values()
    for value, text in zip(dict(row).values(), map(cell_text, said), strict=True):
        # Of amounts, a minus sign is their own.
        yield text if isinstance(value, Decimal) else defused(text)


def column_names(model: type[FrozenModel]) -> list[str]:
    """The fields as the API names them."""
    return [field.alias or name for name, field in model.model_fields.items()]


def cell_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, (list, tuple)):
        return " ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _line(cells: Iterable[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(list(cells))
    return text.getvalue().encode()
