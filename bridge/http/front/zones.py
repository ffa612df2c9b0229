"""The time zone in which a request means its days."""

from typing import Annotated
from zoneinfo import ZoneInfo

from litestar.di import NamedDependency
from litestar.params import QueryParameter, SkipValidation

from bridge.http.front.dependencies import GivenUsualZone
from bridge.http.front.problems import wrong_field
from coordinator.books.days import ZoneUnknownError, zone_named

__all__ = ["GivenZone", "zone"]

ZoneQuery = Annotated[
    str | None,
    QueryParameter(
        name="timeZone",
        description="In which days begin and end, such as `Europe/Berlin`; the setting `time_zone` if none is named.",
    ),
]


async def zone(usual_zone: GivenUsualZone, zone_name: ZoneQuery = None) -> ZoneInfo:
    """The time zone that an address names. Raises ValidationException."""
    if not zone_name:
        return usual_zone
    try:
        return zone_named(zone_name)
    except ZoneUnknownError as error:
        raise wrong_field("timeZone", str(error)) from None


GivenZone = NamedDependency[SkipValidation[ZoneInfo]]
