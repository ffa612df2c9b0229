"""The event about what needs a person. It goes to staff alone, wherever other events go. The product's own."""

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field

from bridge.catalogue.chat import Moment, moment_text
from coordinator import rooms
from coordinator.attention.alerts import AlertChange, What
from coordinator.attention.severities import Severities
from coordinator.events import AudienceRule, Payload

__all__ = ["AttentionUpdated"]


class AttentionUpdated(Payload):
    """Something needs a person, or does so no more; or somebody has taken it on, put it off or closed it. It goes to
    staff alone."""

    event_name: ClassVar[str] = "attention-updated"
    audience_rule: ClassVar[AudienceRule] = AudienceRule(fixed_rooms=(rooms.OPS,))

    id: str = Field(description="What it is called in `GET /api/ops/attention`.")
    kind: str
    severity: Literal["critical", "warning", "notice"]
    state: Literal["open", "snoozed", "closed", "ended"]
    what: What = Field(description="What happened to it.")
    title: str
    payment_id: str | None
    payout_id: str | None
    assigned_to: str | None
    snoozed_until: Moment | None
    at: Moment

    @classmethod
    def of(cls, change: AlertChange, severities: Severities, now: datetime) -> "AttentionUpdated":
        """What is told of a change."""
        alert = change.alert
        return cls(
            id=alert.key,
            kind=alert.kind,
            severity=severities.of(alert.kind).value,
            state=alert.state(now).value,
            what=change.what,
            title=alert.title,
            payment_id=alert.payment_id,
            payout_id=alert.payout_id,
            assigned_to=alert.assigned_to,
            snoozed_until=None if alert.snoozed_until is None else moment_text(alert.snoozed_until),
            at=moment_text(now),
        )
