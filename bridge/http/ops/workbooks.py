"""Workbooks: rows as a workbook for spreadsheets: text stays text, and amounts are numbers with the decimals that
they have.

A number of a spreadsheet has fifteen digits: an amount that has more is text, so that none is lost. The workbook is
made on disk, row by row, and a bound keeps it to what a spreadsheet opens in a moment.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bridge.http.documents.unreadable import UnreadableItem
from bridge.http.ops.csv import cell_text, column_names
from coordinator.errors import BridgeError
from coordinator.models import FrozenModel
from coordinator.money import decimals_of, format_amount

__all__ = ["SHEET_ROWS", "SheetTooLongError", "workbook"]

SHEET_ROWS = 50_000
NUMBER_DIGITS = 15
# Excel's own limit.
CELL_CHARACTERS = 32_767
CHUNK_BYTES = 64 * 1024
TIME_FORMAT = "yyyy-mm-dd hh:mm:ss"


class SheetTooLongError(BridgeError, ValueError):
    """There are more rows than go into one workbook."""


class _Number(Decimal):
    """An amount that stands in its cell digit for digit: the workbook's writer formats what it is given, and would
    write a float with the sixteenth digit, which no amount has."""

    def __format__(self, _form: str, _context: object = None) -> str:
        return format_amount(Decimal(self))


class _Sheet:
    """A workbook that is being written."""

    def __init__(self, path: Path, columns: Sequence[str], zone: ZoneInfo) -> None:
        # Imported only where somebody asks for one.
        from xlsxwriter import Workbook

        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        self._book = Workbook(str(path), {**options, "tmpdir": str(path.parent)})
        self._sheet = self._book.add_worksheet()
        self._zone = zone
        self._rows = 0
        self._numbers: dict[int, Any] = {}
        self._time = self._book.add_format({"num_format": TIME_FORMAT})
        self._sheet.freeze_panes(1, 0)
        self.add([columns])

    def add(self, rows: Sequence[Sequence[Any]]) -> None:
        for row in rows:
            for column, value in enumerate(row):
                self._write(self._rows, column, value)
            self._rows += 1

    def close(self) -> None:
        self._book.close()

    def _write(self, row: int, column: int, value: Any) -> None:
        if value is None:
            return
        if isinstance(value, Decimal) and len(value.as_tuple().digits) <= NUMBER_DIGITS:
            self._sheet.write_number(row, column, _Number(value), self._number(decimals_of(value)))
        elif isinstance(value, Decimal):
            self._sheet.write_string(row, column, format_amount(value))
        elif isinstance(value, bool):
            self._sheet.write_boolean(row, column, value)
        elif isinstance(value, int):
            self._sheet.write_number(row, column, value)
        elif isinstance(value, datetime):
            self._sheet.write_datetime(row, column, value.astimezone(self._zone).replace(tzinfo=None), self._time)
        elif text := cell_text(value):  # a cell with an empty text in it would count as one that is filled
            self._sheet.write_string(row, column, text[:CELL_CHARACTERS])

    def _number(self, decimals: int) -> Any:
        if decimals not in self._numbers:
            form = "0" if not decimals else f"0.{'0' * decimals}"
            self._numbers[decimals] = self._book.add_format({"num_format": form})
        return self._numbers[decimals]


async def workbook(
    model: type[FrozenModel], pages: AsyncIterator[Sequence[FrozenModel]], zone: ZoneInfo
) -> AsyncIterator[bytes]:
    """The bytes of a workbook, which is complete before the first of them is there; times are those of the zone.
    Raises SheetTooLongError at once."""
    folder = await asyncio.to_thread(tempfile.TemporaryDirectory)
    try:
        path = Path(folder.name) / "rows.xlsx"
        sheet = await asyncio.to_thread(_Sheet, path, column_names(model), zone)
        count = 0
        async for page in pages:
            count += len(page)
            if count > SHEET_ROWS:
                raise SheetTooLongError(
                    f"there are more than {SHEET_ROWS} rows; take fewer days at a time, or the CSV, which has no end"
                )
            await asyncio.to_thread(sheet.add, list(map(_cells, page)))
        await asyncio.to_thread(sheet.close)
    except BaseException:
        folder.cleanup()
        raise
    return _chunks(folder, path)


def _cells(row: FrozenModel) -> list[Any]:
    return [row.id, row.detail] if isinstance(row, UnreadableItem) else list(dict(row).values())


async def _chunks(folder: "tempfile.TemporaryDirectory[str]", path: Path) -> AsyncIterator[bytes]:
    with folder, path.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
            yield chunk
