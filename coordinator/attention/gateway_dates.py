"""Gateway dates: a provider that writes the dates of transfers in another zone than UTC, or may, so that money may
look as if it came earlier or later than it did. Pure."""

from datetime import timedelta

from coordinator.attention.items import Attention, AttentionKind
from coordinator.payments.counting.date_zones import Dated, DateZones

__all__ = ["dates_impossible", "dates_off", "zone_name"]

_SET_TO_UTC = "Set the time zone of {provider} and of its database to UTC, and start both anew."


def dates_off(provider: str, found: DateZones) -> Attention:
    """That the dates of a provider are off by so much, or may be."""
    zones = " or ".join(map(zone_name, found.ahead))
    if found.is_known:
        [ahead] = found.ahead
        title = f"{provider} does not write its dates in UTC"
        where = "ahead of" if ahead > timedelta(0) else "behind"
        detail = (
            f"the dates of transfers in its notices are {_hours(ahead)} {where} UTC ({zones}), as its notices show"
        )
        meanwhile = (
            f" Until then the bridge reads its dates as {zones}. What was told before this was known may be called"
            " late or in time wrongly: look at the payments that were paid near their deadline."
        )
    else:
        title = f"Nobody knows in which zone {provider} writes its dates"
        detail = (
            f"the dates of transfers in its notices are in {zones}, or its notices come late by what lies between"
            " these, or its clock is wrong"
        )
        meanwhile = (
            " If it is UTC, look why its notices come late: it repeats them until they are answered 202, and waits"
            " for the confirmations that its wallets ask for. Until then money that is in time by one of these zones"
            " and late by another is called late, and is on the list."
        )
    return Attention(
        kind=AttentionKind.PROVIDER_DATES_OFF,
        subject=f"{provider}:{':'.join(map(zone_name, found.ahead))}",
        title=title,
        detail=detail,
        advice=(
            f"{_SET_TO_UTC.format(provider=provider)}{meanwhile} It goes by itself once new notices are dated in UTC."
        ),
        since=found.since,
        remedies=("dismiss",),
    )


def dates_impossible(provider: str, told: Dated) -> Attention:
    """That a provider dates a transfer as none can be dated, in any zone."""
    return Attention(
        kind=AttentionKind.PROVIDER_DATES_OFF,
        subject=f"{provider}:impossible",
        title=f"{provider} writes dates that cannot be right",
        detail=(
            f"a notice that came at {told.told_at:%Y-%m-%d %H:%M} UTC dates its transfer"
            f" {told.date.isoformat(' ', 'minutes')[:16]}, which it cannot be of in any zone"
        ),
        advice=(
            f"See what is wrong with the clock or the database of {provider}. Until then the bridge takes such a date"
            " as not known: what was told of before the deadline counts as in time, and what was told of after it is"
            " late, and on the list. It goes by itself once newer notices have dates that can be right."
        ),
        since=told.told_at,
        remedies=("dismiss",),
    )


def zone_name(ahead: timedelta) -> str:
    """Such as "UTC-05:00"."""
    if not ahead:
        return "UTC"
    minutes = int(abs(ahead).total_seconds()) // 60
    return f"UTC{'-' if ahead < timedelta(0) else '+'}{minutes // 60:02}:{minutes % 60:02}"


def _hours(ahead: timedelta) -> str:
    hours, minutes = divmod(int(abs(ahead).total_seconds()) // 60, 60)
    parts = [f"{hours} h" if hours else "", f"{minutes} min" if minutes else ""]
    return " ".join(part for part in parts if part)
