"""Finance: somebody who looks at the books by the routes of the console, over a journal without a bridge, and takes
every file that there is of them."""

import csv
import io
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from litestar import Litestar, Router
from litestar.di import Provide
from litestar.plugins.pydantic import PydanticPlugin

from bridge.http.front.problems import exception_handlers
from bridge.http.front.zones import zone
from bridge.http.ops.books import export_entries, export_statement, export_totals, get_statement, get_totals
from bridge.http.ops.days import day_range
from bridge.http.ops.filters import payment_filter, payout_filter
from bridge.http.ops.lists import (
    export_payments,
    export_payouts,
    export_transfers,
    list_payment_rows,
    list_payout_rows,
    list_transfer_rows,
)
from bridge.http.ops.network_fees import export_network_fees, get_network_fees
from bridge.http.ops.wallets import export_reconciliation, get_reconciliation, get_wallets
from bridge.journal import Journal
from bridge.workers.chains.followers import ChainFollowers
from coordinator.books.days import zone_named
from tests.bridge.http.ops.sheets import Cell, rows_of

__all__ = ["Asked", "Finance", "Row", "added", "asked_of", "without_nothing"]

Row = Mapping[str, Any]
FORMS = ("csv", "xlsx")
NUMBER = re.compile(r"-?[0-9]+(?:\.([0-9]+))?")
TIME = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}T")
# More than that is no number of a spreadsheet.
NUMBER_DIGITS = 15


class Asked:
    """The routes of the books, over a journal."""

    def __init__(self) -> None:
        self.journal: Journal | None = None
        given: dict[str, Any] = {
            "journal": lambda: self.journal,
            "usual_zone": lambda: zone_named("UTC"),
            "chains": lambda: ChainFollowers(self.journal, {}, days=1),  # type: ignore[arg-type]
        }
        lists = [list_payout_rows, list_payment_rows, list_transfer_rows]
        lists += [*export_payouts, *export_payments, *export_transfers]
        books = [get_totals, get_statement, get_network_fees, get_wallets, get_reconciliation]
        books += [*export_totals, *export_statement, *export_entries, *export_network_fees, *export_reconciliation]
        filters = {"payout_filter": Provide(payout_filter), "payment_filter": Provide(payment_filter)}
        self.application = Litestar(
            route_handlers=[Router("/api/ops", route_handlers=[*lists, *books], dependencies=filters)],
            dependencies={
                **{name: Provide(give, sync_to_thread=False) for name, give in given.items()},
                "zone": Provide(zone),
                "day_range": Provide(day_range),
            },
            exception_handlers=exception_handlers,
            plugins=[PydanticPlugin(prefer_alias=True)],
            openapi_config=None,
            logging_config=None,
        )


@asynccontextmanager
async def asked_of(asked: Asked, journal: Journal) -> AsyncIterator["Finance"]:
    asked.journal = journal
    transport = httpx.ASGITransport(app=asked.application)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://bridge.example/api/ops/") as client:
        yield Finance(client)


class Finance:
    """Somebody who looks at the books, and takes every file there is of them."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def sees(self, path: str, **query: str) -> Any:
        return (await self._client.get(path, params=query)).raise_for_status().json()

    async def takes(self, path: str, **query: str) -> list[dict[str, str]]:
        """The rows of the file for text, which are those of the one for spreadsheets."""
        text, book = [(await self._client.get(f"{path}.{form}", params=query)).raise_for_status() for form in FORMS]
        rows = list(csv.DictReader(io.StringIO(text.content.decode("utf-8-sig"))))
        at = ZoneInfo(query.get("timeZone", "UTC"))
        for row, cells in zip(rows, rows_of(book.content), strict=True):
            assert {name for name, said in row.items() if said} == cells.keys()
            assert {
                name: (cells[name], said) for name, said in row.items() if said and not shows(cells[name], said, at)
            } == {}
        return rows

    async def takes_what_it_sees(self, path: str, rows: str, **query: str) -> list[Row]:
        """The rows of the page, which are those of the file."""
        seen = (await self.sees(path, **query))[rows]
        assert await self.takes(path, **query) == [as_text(row) for row in seen]
        return list(seen)

    async def turns_pages(self, path: str, **query: str) -> list[Row]:
        """All rows of a list, some at a time, which are those of its file; of files each row is in one alone."""
        rows: list[Row] = []
        after: dict[str, str] = {}
        while True:
            page = await self.sees(path, limit="3", **after, **query)
            assert page["unreadable"] == []
            rows += page[path]
            if page["next"] is None:
                break
            after = {"after": page["next"]}
        assert await self.takes(path, **query) == [as_text(row) for row in rows]
        return rows


def shows(cell: Cell, said: str, at: ZoneInfo) -> bool:
    """Whether a cell of a spreadsheet is what a text says: an amount a number, digit for digit, with its decimals; a
    time one on the clock of the zone."""
    if (number := NUMBER.fullmatch(said)) and len(
        said.replace("-", "").replace(".", "").lstrip("0")
    ) <= NUMBER_DIGITS:
        decimals = len(number[1] or "")
        plain = "0" if not decimals else f"0.{'0' * decimals}"
        return (cell.kind, cell.text) == ("n", said) and (cell.form == plain or not (decimals or cell.form))
    if TIME.match(said):
        moment = datetime.fromisoformat(said).astimezone(at).replace(tzinfo=UTC)
        return cell.kind == "n" and "yyyy" in cell.form and abs(cell.moment - moment) < timedelta(milliseconds=1)
    if said in ("true", "false"):
        return (cell.kind, cell.text) == ("b", str(int(said == "true")))
    return (cell.kind, cell.text) == ("inlineStr", said)


def as_text(row: Row) -> dict[str, str]:
    def text(value: object) -> str:
        if isinstance(value, list):
            return " ".join(map(str, value))
        return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)

    return {name: text(value) for name, value in row.items()}


def added(rows: Iterable[Row], *by: str, name: str) -> dict[Any, Decimal]:
    """What a column comes to, by others, without what comes to nothing."""
    sums: dict[Any, Decimal] = defaultdict(Decimal)
    for row in rows:
        sums[tuple(row[one] for one in by)] += Decimal(row[name] or 0)
    return without_nothing(sums)


def without_nothing(sums: Mapping[Any, Decimal]) -> dict[Any, Decimal]:
    return {key: amount for key, amount in sums.items() if amount}
