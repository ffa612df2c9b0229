"""Past events as they are read over REST: in the bridge's own form, and as CloudEvents 1.0."""

from collections.abc import Callable
from typing import Literal

from pydantic import AwareDatetime, Field

from bridge.catalogue.happened import happened_at
from bridge.journal import Journal, JournaledEvent
from coordinator.events import Document, unless_none
from coordinator.models import FrozenModel

__all__ = ["BATCH_MEDIA_TYPE", "CloudEvent", "Form", "PastEvent", "PastEvents", "cloud_event", "past_event"]

BATCH_MEDIA_TYPE = "application/cloudevents-batch+json"


class PastEvent(FrozenModel):
    """An event as it was sent, and its place in the journal."""

    offset: str
    event: str
    data: Document
    at: AwareDatetime = Field(description="When the bridge wrote it down.")
    happened_at: AwareDatetime = Field(
        description="When it happened, where its payload says so, as of a message; otherwise `at`."
    )


class PastEvents(FrozenModel):
    """Events in the order of the journal."""

    events: list[PastEvent]
    next: str = Field(description="Pass it as `after` to go on from here, also if there was nothing.")
    more: bool = Field(description="Whether there is more already.")


class CloudEvent(FrozenModel):
    """An event in the JSON format of CloudEvents 1.0."""

    specversion: Literal["1.0"] = "1.0"
    id: str = Field(description="Its offset.")
    source: str = Field(description="The bridge, by its `public_url`, and the journal's present history.")
    type: str = Field(description="Its name, such as `payment-update`.")
    time: AwareDatetime = Field(description="When it happened.")
    subject: str | None = Field(
        None, exclude_if=unless_none, description="The purchase request or chat message that it tells about."
    )
    datacontenttype: Literal["application/json"] = "application/json"
    data: Document


Form = Callable[[Journal, JournaledEvent], PastEvent | CloudEvent]
"""What is told of an event."""


def past_event(journal: Journal, journaled: JournaledEvent) -> PastEvent:
    payload, at = journaled.event.payload, journaled.committed_at
    return PastEvent(
        offset=journal.offset_text(journaled.place),
        event=journaled.event.name,
        data=payload,
        at=at,
        happened_at=happened_at(journaled.event.name, payload) or at,
    )


def cloud_event(public_url: str) -> Form:
    """Where nobody has said what the bridge's address is, its events have a relative source."""

    def form(journal: Journal, journaled: JournaledEvent) -> CloudEvent:
        event, payload = journaled.event, journaled.event.payload
        return CloudEvent(
            id=journal.offset_text(journaled.place),
            source=f"{public_url}/journal/{journal.epoch}",
            type=event.name,
            time=happened_at(event.name, payload) or journaled.committed_at,
            subject=event.subject,
            data=payload,
        )

    return form
