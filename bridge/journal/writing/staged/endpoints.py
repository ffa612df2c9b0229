"""The part of a batch that is about endpoints: where events are sent, how far that is, and how deliveries stand."""

import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime

from sqlalchemy import Connection, RowMapping, bindparam, delete, literal_column, select, update

from bridge.journal.tables import schema
from bridge.journal.writing.statements import Row, Writing, insert_into
from coordinator.compact_json import compact_json
from coordinator.endpoints.endpoints import DeliveryStatus, Endpoint, EndpointDelivery, Secret

__all__ = ["StagedEndpoints", "delivery_from_row", "endpoint_from_row", "stored_delivery"]

_ENDPOINTS, _DELIVERIES = schema.endpoints, schema.endpoint_deliveries
_ENDPOINT = select(_ENDPOINTS).where(_ENDPOINTS.c.endpoint_id == bindparam("by_endpoint_id"))
_FORGET_ENDPOINT = delete(_ENDPOINTS).where(_ENDPOINTS.c.endpoint_id == bindparam("by_endpoint_id"))
_DELIVERY = select(_DELIVERIES).where(
    _DELIVERIES.c.endpoint_id == bindparam("by_endpoint_id"), _DELIVERIES.c.message_id == bindparam("by_message_id")
)
_FORGET_DELIVERY = delete(_DELIVERIES).where(
    _DELIVERIES.c.endpoint_id == bindparam("by_endpoint_id"), _DELIVERIES.c.message_id == bindparam("by_message_id")
)

_HASTEN = (
    update(_DELIVERIES)
    .where(_DELIVERIES.c.endpoint_id == bindparam("by_endpoint_id"), _DELIVERIES.c.next_at.is_not(None))
    .where(_DELIVERIES.c.tries >= bindparam("least_tries"))
    .values(next_at=bindparam("new_next_at"), tries=literal_column("1"), first_at=bindparam("new_next_at"))
)


def endpoint_from_row(row: RowMapping) -> Endpoint:
    secrets = (
        Secret(text, None if until is None else datetime.fromisoformat(until))
        for text, until in json.loads(row["secrets"])
    )
    read = {"events": tuple(json.loads(row["events"])), "secrets": tuple(secrets)}
    return Endpoint(**{one.name: read.get(one.name, row[one.name]) for one in fields(Endpoint)})


def _endpoint_row(endpoint: Endpoint) -> Row:
    secrets = [(one.text, None if one.until is None else one.until.isoformat()) for one in endpoint.secrets]
    return asdict(endpoint) | {"events": compact_json(endpoint.events), "secrets": compact_json(secrets)}


def delivery_from_row(row: RowMapping) -> EndpointDelivery:
    values = {one.name: row[one.name] for one in fields(EndpointDelivery)}
    return EndpointDelivery(**values | {"status": DeliveryStatus(row["status"])})


def stored_delivery(connection: Connection, endpoint_id: str, message_id: str) -> EndpointDelivery | None:
    """How a delivery stands; None if there is none of this id."""
    by = {"by_endpoint_id": endpoint_id, "by_message_id": message_id}
    row = connection.execute(_DELIVERY, by).mappings().first()
    return None if row is None else delivery_from_row(row)


class StagedEndpoints:
    """Reads and staged writes about endpoints, within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._endpoints: dict[str, Endpoint | None] = {}
        self._deliveries: dict[tuple[str, str], EndpointDelivery] = {}
        self._hastened: dict[str, tuple[datetime, int]] = {}
        self.writes = 0
        """How many changes are staged."""

    def get(self, endpoint_id: str) -> Endpoint | None:
        """One as it stands, with everything staged so far."""
        if endpoint_id in self._endpoints:
            return self._endpoints[endpoint_id]
        row = self._connection.execute(_ENDPOINT, {"by_endpoint_id": endpoint_id}).mappings().first()
        return None if row is None else endpoint_from_row(row)

    def all(self) -> list[Endpoint]:
        """All of them, as they stand."""
        stored = map(endpoint_from_row, self._connection.execute(select(_ENDPOINTS)).mappings())
        found: dict[str, Endpoint | None] = {one.endpoint_id: one for one in stored}
        return [one for one in (found | self._endpoints).values() if one is not None]

    def delivery(self, endpoint_id: str, message_id: str) -> EndpointDelivery | None:
        staged = self._deliveries.get((endpoint_id, message_id))
        return staged or stored_delivery(self._connection, endpoint_id, message_id)

    def put(self, endpoint: Endpoint) -> None:
        """An endpoint is new, or another than it was."""
        self.writes += 1
        self._endpoints[endpoint.endpoint_id] = endpoint

    def remove(self, endpoint_id: str) -> None:
        self.writes += 1
        self._endpoints[endpoint_id] = None

    def put_delivery(self, delivery: EndpointDelivery) -> None:
        """A delivery is new, or stands otherwise than it did."""
        self.writes += 1
        self._deliveries[delivery.endpoint_id, delivery.message_id] = delivery

    def hasten(self, endpoint_id: str, now: datetime, *, least_tries: int = 0) -> None:
        """What waits to be tried again after so many tries is tried now, and goes on as if that were the first
        time."""
        self.writes += 1
        self._hastened[endpoint_id] = now, least_tries

    def statements(self) -> Sequence[tuple[Writing, Sequence[Row]]]:
        """What is staged. A row that was there before makes way for its successor."""
        names = [{"by_endpoint_id": endpoint, "by_message_id": message} for endpoint, message in self._deliveries]
        return (
            (_FORGET_ENDPOINT, [{"by_endpoint_id": endpoint_id} for endpoint_id in self._endpoints]),
            (insert_into(_ENDPOINTS), [_endpoint_row(one) for one in self._endpoints.values() if one is not None]),
            (
                _HASTEN,
                [
                    {"by_endpoint_id": one, "new_next_at": at, "least_tries": least}
                    for one, (at, least) in self._hastened.items()
                ],
            ),
            (_FORGET_DELIVERY, names),
            (insert_into(_DELIVERIES), [asdict(one) for one in self._deliveries.values()]),
        )
