"""Gateway dates: a provider that writes the dates of transfers in another zone than UTC, so that money may look as if
it came earlier or later than it did. Pure."""

from datetime import timedelta

from coordinator.attention.items import Attention, AttentionKind
from coordinator.payments.counting.date_offsets import DatesAhead

__all__ = ["dates_off", "zone_name"]


def dates_off(provider: str, found: DatesAhead) -> Attention:
    """That the dates of a provider are off by so much."""
    zone = zone_name(found.ahead)
    where = "ahead of" if found.ahead > timedelta(0) else "behind"
    return Attention(
        kind=AttentionKind.PROVIDER_DATES_OFF,
        subject=f"{provider}:{zone}",
        title=f"{provider} does not write its dates in UTC",
        detail=(
            f"the dates of transfers in its notices are {_hours(found.ahead)} {where} UTC ({zone}), as several in a"
            " row show"
        ),
        advice=(
            f"Set the time zone of {provider} and of its database to UTC, and start both anew. Until then the bridge"
            f" reads its dates as {zone}. What was told before this was known may be called late or in time wrongly:"
            " look at the payments that were paid near their deadline. It goes by itself once new notices are dated"
            " in UTC."
        ),
        since=found.since,
        remedies=("dismiss",),
    )


def zone_name(ahead: timedelta) -> str:
    """Such as "UTC-05:00"."""
    minutes = int(abs(ahead).total_seconds()) // 60
    return f"UTC{'-' if ahead < timedelta(0) else '+'}{minutes // 60:02}:{minutes % 60:02}"


def _hours(ahead: timedelta) -> str:
    hours, minutes = divmod(int(abs(ahead).total_seconds()) // 60, 60)
    parts = [f"{hours} h" if hours else "", f"{minutes} min" if minutes else ""]
    return " ".join(part for part in parts if part)
