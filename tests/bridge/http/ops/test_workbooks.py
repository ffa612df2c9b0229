"""Workbooks: what stands in a cell is what REST says."""

import io
import re
import zipfile
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from zoneinfo import ZoneInfo

from bridge.http.ops.workbooks import workbook
from coordinator.models import FrozenModel
from coordinator.money import SignedAmount


class Row(FrozenModel):
    """A row with an amount."""

    amount: SignedAmount


# With sixteen digits the first four would be others, as a float has them.
AMOUNTS = (
    "81.90",
    "0.07",
    "-1.10",
    "999999999999.99",
    "50.00",
    "0.00",
    "0",
    "0.000000000000000001",
    "1234567890123.456",
)


async def test_an_amount_of_a_cell_is_the_one_of_rest_to_the_digit() -> None:
    rows = [Row(amount=Decimal(text)) for text in AMOUNTS]

    async def pages() -> AsyncIterator[Sequence[Row]]:
        yield rows

    content = b"".join([chunk async for chunk in await workbook(Row, pages(), ZoneInfo("UTC"))])
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    cells = re.findall(r"<c (?:(?!inlineStr)[^>])*><v>([^<]*)</v></c>", sheet)
    texts = re.findall(r"<is><t>([^<]*)</t></is>", sheet)
    of_rest = [row.model_dump(mode="json")["amount"] for row in rows]
    assert cells == of_rest[:-1]
    assert texts == ["amount", of_rest[-1]]  # of sixteen digits, which no number of a spreadsheet has
