"""The part of the journal that is about endpoints: where events are sent, how far that is, and what became of it."""

import functools
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from bridge.catalogue import journaled_events
from bridge.journal.queries import endpoints as queries
from bridge.journal.queries.endpoints import DueDelivery
from bridge.journal.queries.readers import Read
from bridge.journal.requests import endpoints as requests
from bridge.journal.requests.endpoints import EndpointWanted, RegisteredEndpoint
from bridge.journal.tables.rows import JournaledEvent
from bridge.journal.writing.staged.endpoints import stored_delivery
from bridge.journal.writing.writer import Submit
from coordinator.endpoints.endpoints import DeliveryStatus, Endpoint, EndpointDelivery, EndpointRules
from coordinator.histories import Place

__all__ = ["EndpointRecords"]


class EndpointRecords:
    """Endpoints, and what is sent to them. Raises JournalUnavailableError. What is done to one that is not there is
    answered by None."""

    def __init__(self, read: Read, submit: Submit, offset_text: Callable[[Place], str]) -> None:
        self._read = read
        self._submit = submit
        self.offset_text = offset_text
        """A place as whoever receives an event knows it."""

    # Looking up

    async def all(self) -> list[Endpoint]:
        return await self._read(queries.endpoints)

    async def get(self, endpoint_id: str) -> Endpoint | None:
        return await self._read(queries.endpoint, endpoint_id)

    async def newest_offset(self) -> int:
        return await self._read(queries.newest_offset)

    async def behind(self, endpoint: Endpoint) -> int:
        """How many events an endpoint wants and has not dealt with yet, up to a limit."""
        names = sorted(journaled_events(endpoint.events))
        return await self._read(queries.count_behind, endpoint.cursor, names)

    async def delivery(self, endpoint_id: str, message_id: str) -> EndpointDelivery | None:
        return await self._read(stored_delivery, endpoint_id, message_id)

    async def deliveries(
        self, endpoint_id: str, *, status: DeliveryStatus | None, before: EndpointDelivery | None, limit: int
    ) -> list[EndpointDelivery]:
        """What was sent to an endpoint, or is to be, the newest events first."""
        return await self._read(queries.deliveries, endpoint_id, status, before, limit)

    async def event_at(self, offset: int) -> JournaledEvent | None:
        """The event there, as long as it is stored."""
        return await self._read(queries.event_at, offset)

    async def next_events(self, after: int, *, limit: int, limit_bytes: int) -> list[JournaledEvent]:
        return await self._read(queries.next_events, after, limit, limit_bytes)

    async def due(
        self, endpoint_id: str, now: datetime, *, cursor: int, limit: int, only_wanted: bool
    ) -> list[DueDelivery]:
        """What of that which lies behind the cursor is to be tried now."""
        return await self._read(queries.due, endpoint_id, now, cursor, limit, only_wanted=only_wanted)

    async def next_due(self, endpoint_id: str, *, cursor: int, only_wanted: bool) -> datetime | None:
        return await self._read(queries.next_due, endpoint_id, cursor, only_wanted=only_wanted)

    async def count_pending(self, endpoint_id: str) -> int:
        return await self._read(queries.count_pending, endpoint_id)

    # Writing

    async def register(self, wanted: EndpointWanted, *, by: str) -> RegisteredEndpoint:
        """Raises EndpointsExhaustedError."""
        return await self._submit(functools.partial(requests.register, wanted=wanted, by=by))

    async def enable(self, endpoint_id: str, *, by: str) -> Endpoint | None:
        return await self._submit(functools.partial(requests.enable, endpoint_id=endpoint_id, by=by))

    async def disable(self, endpoint_id: str, *, by: str, note: str | None = None) -> Endpoint | None:
        return await self._submit(functools.partial(requests.disable, endpoint_id=endpoint_id, by=by, note=note))

    async def remove(self, endpoint_id: str, *, by: str) -> Endpoint | None:
        return await self._submit(functools.partial(requests.remove, endpoint_id=endpoint_id, by=by))

    async def add_secret(
        self, endpoint_id: str, secret: str | None, *, valid_for: timedelta, by: str
    ) -> RegisteredEndpoint | None:
        """Gives it another secret, beside which those before are valid for a while."""
        return await self._submit(
            functools.partial(requests.add_secret, endpoint_id=endpoint_id, secret=secret, valid_for=valid_for, by=by)
        )

    async def add_test(self, endpoint_id: str, *, by: str) -> EndpointDelivery | None:
        return await self._submit(functools.partial(requests.add_test, endpoint_id=endpoint_id, by=by))

    async def send_again(self, endpoint_id: str, message_id: str, *, by: str) -> EndpointDelivery | None:
        return await self._submit(
            functools.partial(requests.send_again, endpoint_id=endpoint_id, message_id=message_id, by=by)
        )

    async def send_from(self, endpoint_id: str, after: int, *, by: str) -> Endpoint | None:
        return await self._submit(functools.partial(requests.send_from, endpoint_id=endpoint_id, after=after, by=by))

    async def record_try(
        self, endpoint: Endpoint, deliveries: Sequence[EndpointDelivery], *, cursor: int, rules: EndpointRules
    ) -> Endpoint | None:
        """Writes down what tries made of deliveries, and how far the endpoint is; returns how it stands."""
        return await self._submit(
            functools.partial(
                requests.record_try,
                endpoint_id=endpoint.endpoint_id,
                version=endpoint.version,
                deliveries=deliveries,
                cursor=cursor,
                rules=rules,
            )
        )

    async def save_cursor(self, endpoint: Endpoint, cursor: int) -> None:
        await self._submit(
            functools.partial(
                requests.save_cursor, endpoint_id=endpoint.endpoint_id, version=endpoint.version, cursor=cursor
            )
        )

    async def note_missed(self, endpoint: Endpoint, count: int, *, because: str, cursor: int) -> None:
        """Says that it will not get some events, which are gone, and how far it is then."""
        await self._submit(
            functools.partial(
                requests.note_missed,
                endpoint_id=endpoint.endpoint_id,
                version=endpoint.version,
                count=count,
                because=because,
                cursor=cursor,
            )
        )
