"""Day ranges: the days that an address asks for, counted back from today or from one day to another."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from litestar.di import NamedDependency
from litestar.params import QueryParameter, SkipValidation

from bridge.http.front.problems import wrong_field
from coordinator.books.days import Span, date_in, days_in

__all__ = ["DayRange", "GivenDayRange", "day_range"]

DAYS_LIMIT = 366
DAYS_SHOWN = 14

DaysQuery = Annotated[
    int,
    QueryParameter(ge=1, le=DAYS_LIMIT, description="How many, today being one of them; without `from` and `to`."),
]
FirstDayQuery = Annotated[str | None, QueryParameter(name="from", description="The first day, such as 2026-11-01.")]
LastDayQuery = Annotated[str | None, QueryParameter(name="to", description="The last day; today if none is named.")]


@dataclass(frozen=True, slots=True)
class DayRange:
    """The days that an address asks for, as it says them."""

    count: int
    first_day: str | None
    last_day: str | None

    def spans(self, now: datetime, zone: ZoneInfo) -> Sequence[Span]:
        """Each of them in a time zone. Raises ValidationException."""
        last = _date("to", self.last_day) or date_in(zone, now)
        try:
            first = _date("from", self.first_day) or last - timedelta(days=self.count - 1)
            if not timedelta(0) <= last - first < timedelta(days=DAYS_LIMIT):
                raise wrong_field("from", f"expected a day before `to`, and {DAYS_LIMIT} days at most")
            return days_in(zone, first, last)
        except OverflowError:
            raise wrong_field("from", "expected a day such as 2026-11-24") from None


def _date(name: str, text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise wrong_field(name, "expected a day such as 2026-11-24") from None


async def day_range(
    days: DaysQuery = DAYS_SHOWN, first_day: FirstDayQuery = None, last_day: LastDayQuery = None
) -> DayRange:
    """The days that an address asks for."""
    return DayRange(days, first_day, last_day)


GivenDayRange = NamedDependency[SkipValidation[DayRange]]
