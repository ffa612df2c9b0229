"""Sheets: what a spreadsheet finds in a workbook, read from its XML by nothing that has written it."""

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from xml.etree import ElementTree

__all__ = ["Cell", "rows_of"]

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
# Of which days are counted: 1900 has a 29 February there.
DAY_ZERO = datetime(1899, 12, 30, tzinfo=UTC)


class Cell(NamedTuple):
    """One cell of a sheet."""

    kind: str
    """`n` of a number, `b` of a truth, `inlineStr` of text."""
    text: str
    form: str
    """How a number is shown, such as `0.00`."""

    @property
    def moment(self) -> datetime:
        """What a number says that is shown as a time, to the millisecond: what a clock shows, as if of UTC."""
        at = DAY_ZERO + timedelta(days=float(self.text))
        return at.replace(microsecond=0) + timedelta(milliseconds=round(at.microsecond / 1_000))


def rows_of(content: bytes) -> list[dict[str, Cell]]:
    """The rows of a workbook's sheet by the names of its columns; a cell without anything is not there."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        forms = list(_forms(ElementTree.fromstring(book.read("xl/styles.xml"))))
        sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    heading, *rows = [_cells(row, forms) for row in sheet.iter(f"{MAIN}row")]
    return [{heading[column].text: cell for column, cell in row.items()} for row in rows]


def _cells(row: ElementTree.Element, forms: Sequence[str]) -> dict[str, Cell]:
    found = {}
    for cell in row.iter(f"{MAIN}c"):
        assert not list(cell.iter(f"{MAIN}f")), "a formula"
        text = "".join(cell.itertext())
        form = forms[int(cell.attrib.get("s", 0))]
        found[re.sub("[0-9]", "", cell.attrib["r"])] = Cell(cell.attrib.get("t", "n"), text, form)
    return found


def _forms(styles: ElementTree.Element) -> Iterator[str]:
    """How numbers of each style are shown; of those that every spreadsheet knows by number, the first is plain."""
    known = {"0": "", "1": "0", "2": "0.00"}
    known |= {one.attrib["numFmtId"]: one.attrib["formatCode"] for one in styles.iter(f"{MAIN}numFmt")}
    for style in next(styles.iter(f"{MAIN}cellXfs")):
        yield known[style.attrib["numFmtId"]]
