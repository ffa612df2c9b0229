"""What is written down about endpoints: who registered them, what they were sent, and what people did with them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import urlsplit

from bridge.journal.errors import EndpointsExhaustedError
from bridge.journal.wakeups import SENDING_EVENTS
from bridge.journal.writing.batch import Batch
from coordinator.endpoints.endpoints import TEST_EVENT, Endpoint, EndpointDelivery, EndpointRules, Secret, settled
from coordinator.endpoints.signing import new_secret
from coordinator.ids import new_id

__all__ = [
    "EndpointWanted",
    "RegisteredEndpoint",
    "add_secret",
    "add_test",
    "disable",
    "enable",
    "note_missed",
    "record_try",
    "register",
    "remove",
    "save_cursor",
    "send_again",
    "send_from",
]

# Each has connections and a place in memory.
ENDPOINTS_LIMIT = 100
# So that none of them takes the places of the others.
OF_A_SERVICE_LIMIT = 20


@dataclass(frozen=True, slots=True)
class EndpointWanted:
    """What somebody registers."""

    url: str
    events: tuple[str, ...]
    is_ordered: bool
    secret: str | None
    """One of their own; None: one is made."""
    service: str | None


@dataclass(frozen=True, slots=True)
class RegisteredEndpoint:
    """What became of it."""

    endpoint: Endpoint
    new_secret: str | None
    """The secret, where the endpoint is new; it is never answered again."""


def register(batch: Batch, wanted: EndpointWanted, *, by: str) -> RegisteredEndpoint:
    """Registers an endpoint. Each service has one of a URL: whoever registers that again has what differs changed,
    and goes on where it was. Raises EndpointsExhaustedError."""
    known = batch.endpoints.all()
    mine = [one for one in known if (one.url, one.service) == (wanted.url, wanted.service)]
    if mine:
        return RegisteredEndpoint(_changed(batch, mine[0], wanted, by), None)
    if len(known) >= ENDPOINTS_LIMIT:
        raise EndpointsExhaustedError(f"there are {ENDPOINTS_LIMIT} endpoints already; remove one first")
    if sum(one.service == wanted.service for one in known) >= OF_A_SERVICE_LIMIT:
        raise EndpointsExhaustedError(f"a service has {OF_A_SERVICE_LIMIT} endpoints at most; remove one first")
    secret = wanted.secret or new_secret()
    endpoint = Endpoint(
        endpoint_id=new_id("end", batch.now),
        url=wanted.url,
        events=wanted.events,
        is_ordered=wanted.is_ordered,
        secrets=(Secret(secret),),
        service=wanted.service,
        registered_by=by,
        registered_at=batch.now,
        cursor=batch.next_offset - 1,
    )
    _did(batch, endpoint, "endpoint-registered", f"{', '.join(wanted.events)} to {_host(endpoint)}", by)
    return RegisteredEndpoint(endpoint, secret)


def _changed(batch: Batch, known: Endpoint, wanted: EndpointWanted, by: str) -> Endpoint:
    secret = wanted.secret
    changed = known
    if (known.events, known.is_ordered) != (wanted.events, wanted.is_ordered):
        changed = changed.changed(events=wanted.events, is_ordered=wanted.is_ordered)
    if secret is not None and secret not in known.keys(batch.now):
        changed = changed.with_secret(secret, batch.now, timedelta())
    if changed != known:
        _did(batch, changed, "endpoint-changed", f"{', '.join(wanted.events)} to {_host(known)}", by)
    return changed


def enable(batch: Batch, endpoint_id: str, *, by: str) -> Endpoint | None:
    """Has an endpoint sent to again, from where it was left; None if there is none."""
    endpoint = batch.endpoints.get(endpoint_id)
    if endpoint is None or endpoint.is_enabled:
        return endpoint
    batch.endpoints.hasten(endpoint_id, batch.now)
    return _did(batch, endpoint.enabled(), "endpoint-enabled", f"events are sent to {_host(endpoint)} again", by)


def disable(batch: Batch, endpoint_id: str, *, by: str, note: str | None) -> Endpoint | None:
    """Has nothing sent to an endpoint any more; None if there is none."""
    endpoint = batch.endpoints.get(endpoint_id)
    if endpoint is None or not endpoint.is_enabled:
        return endpoint
    said = note or "no reason was given"
    return _did(batch, endpoint.disabled(batch.now, said, by), "endpoint-disabled", said, by)


def remove(batch: Batch, endpoint_id: str, *, by: str) -> Endpoint | None:
    """Forgets an endpoint; None if there was none."""
    endpoint = batch.endpoints.get(endpoint_id)
    if endpoint is not None:
        _did(batch, endpoint, "endpoint-removed", f"nothing is sent to {_host(endpoint)} any more", by)
        batch.endpoints.remove(endpoint_id)
    return endpoint


def add_secret(
    batch: Batch, endpoint_id: str, secret: str | None, valid_for: timedelta, *, by: str
) -> RegisteredEndpoint | None:
    """Gives an endpoint another secret, beside which those before are valid for so long."""
    endpoint = batch.endpoints.get(endpoint_id)
    if endpoint is None:
        return None
    given = secret or new_secret()
    changed = endpoint.with_secret(given, batch.now, valid_for)
    _did(batch, changed, "endpoint-secret", "it has another secret", by)
    return RegisteredEndpoint(changed, given)


def add_test(batch: Batch, endpoint_id: str, *, by: str) -> EndpointDelivery | None:
    """Has a test event sent to an endpoint, once, even if it is disabled."""
    endpoint = batch.endpoints.get(endpoint_id)
    if endpoint is None:
        return None
    test = EndpointDelivery(endpoint_id, new_id("test", batch.now), TEST_EVENT, None, batch.now, next_at=batch.now)
    batch.endpoints.put_delivery(test)
    batch.actions.add("endpoint-test", endpoint_id, f"a test for {_host(endpoint)}", by=by, concerns=None)
    batch.wakeups.add(SENDING_EVENTS)
    return test


def send_again(batch: Batch, endpoint_id: str, message_id: str, *, by: str) -> EndpointDelivery | None:
    """Has one event sent once more, beside whatever else is sent; None if it never was."""
    delivery = batch.endpoints.delivery(endpoint_id, message_id)
    if delivery is None or batch.endpoints.get(endpoint_id) is None:
        return None
    delivery = delivery.again(batch.now)
    batch.endpoints.put_delivery(delivery)
    batch.actions.add("endpoint-replay", endpoint_id, f"{message_id} is sent again", by=by, concerns=None)
    batch.wakeups.add(SENDING_EVENTS)
    return delivery


def send_from(batch: Batch, endpoint_id: str, after: int, *, by: str) -> Endpoint | None:
    """Has all that came after an offset sent, in its order, and goes on from there: what was sent already comes once
    more, and what lies before and was not is not sent."""
    endpoint = batch.endpoints.get(endpoint_id)
    if endpoint is None:
        return None
    said = f"it goes on after event {after}, and was at {endpoint.cursor}"
    return _did(batch, endpoint.changed(cursor=after), "endpoint-replay", said, by)


def record_try(
    batch: Batch,
    endpoint_id: str,
    version: int,
    deliveries: Sequence[EndpointDelivery],
    cursor: int,
    rules: EndpointRules,
) -> Endpoint | None:
    """Writes down what tries made of deliveries, and how far the endpoint is then; None if it is there no more. Where
    somebody changed it since, its cursor is theirs."""
    endpoint = batch.endpoints.get(endpoint_id)
    if endpoint is None:
        return None
    after = endpoint
    for tried in deliveries:
        after, delivery = settled(after, tried, rules)
        batch.endpoints.put_delivery(delivery)
    if endpoint.version == version:
        after = replace(after, cursor=max(endpoint.cursor, cursor))
    if endpoint.failing_since is not None and after.failing_since is None and after.is_enabled:
        # What is kept because nothing at all was taken need not wait for its time any more.
        batch.endpoints.hasten(endpoint_id, batch.now, least_tries=len(rules.retries) + 1)
        batch.wakeups.add(SENDING_EVENTS)
    _put_if_changed(batch, endpoint, after)
    return after


def save_cursor(batch: Batch, endpoint_id: str, version: int, cursor: int) -> None:
    """How far an endpoint is, of which nothing else is new."""
    endpoint = batch.endpoints.get(endpoint_id)
    if endpoint is not None and endpoint.version == version:
        _put_if_changed(batch, endpoint, replace(endpoint, cursor=max(endpoint.cursor, cursor)))


def note_missed(batch: Batch, endpoint_id: str, version: int, count: int, because: str, cursor: int) -> None:
    """Says of an endpoint that it will not get some events, in one with how far it is then: once."""
    endpoint = batch.endpoints.get(endpoint_id)
    if endpoint is not None:
        batch.endpoints.put(endpoint.having_missed(count, batch.now, because))
        save_cursor(batch, endpoint_id, version, cursor)


def _put_if_changed(batch: Batch, endpoint: Endpoint, after: Endpoint) -> None:
    if after != endpoint:
        batch.endpoints.put(after)
    if after.version != endpoint.version:
        batch.wakeups.add(SENDING_EVENTS)


def _did(batch: Batch, endpoint: Endpoint, action: str, said: str, by: str) -> Endpoint:
    batch.endpoints.put(endpoint)
    batch.actions.add(action, endpoint.endpoint_id, said, by=by, concerns=None)
    batch.wakeups.add(SENDING_EVENTS)
    return endpoint


def _host(endpoint: Endpoint) -> str:
    """What of its URL may stand in a record: the rest may hold what only its owner is to know."""
    return urlsplit(endpoint.url).netloc
