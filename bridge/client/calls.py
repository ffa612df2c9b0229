"""What a service can ask the bridge for, each as one request that stays the same in every try. No I/O."""

import json
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic, TypeVar

from pydantic.alias_generators import to_camel

from bridge.catalogue.publication import Fault
from bridge.client.answers import RegisteredPayment, offsets_of
from bridge.client.errors import RequestRefusedError
from coordinator.events import Payload
from coordinator.money import AmountUnreadableError, format_amount, parse_amount

__all__ = ["HEADER_TEXT", "Call", "Publication", "publish_all_call", "publish_call", "register_payment_call"]

Result = TypeVar("Result")

HEADER_TEXT = re.compile(r"[!-~]([ -~]*[!-~])?")
"""What HTTP carries unchanged as the value of a header."""
KEY_LIMIT_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Publication:
    """One event: `Publication("new-offer", {…})`, or a payload of `bridge.catalogue`, which knows its own name.

    `data` is the event's payload as a JSON object, with the field names of the catalogue. `target` holds the ids that
    the event's rooms are made of and its data does not hold: `{"buyerId": "buyer-5"}`.
    """

    event: str | Payload
    data: Mapping[str, Any] | None = None
    target: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.event, Payload):
            if self.data is not None:
                raise TypeError(f"{type(self.event).__name__} is the data already; leave data out")
        elif not isinstance(self.data, Mapping):
            raise TypeError("an event is its name and its data, a mapping; or one payload of bridge.catalogue")

    def to_json(self, prefix: str = "") -> str:
        """As the bridge reads it; the same for the same content. Raises RequestRefusedError for what is no JSON."""
        try:
            content = (
                {"event": self.event.event_name, "data": self.event.model_dump(mode="json")}
                if isinstance(self.event, Payload)
                else {"event": self.event, "data": dict(self.data or {})}
            )
            if self.target is not None:
                content["target"] = dict(self.target)
            return _json(content)
        except (TypeError, ValueError, RecursionError) as error:
            raise RequestRefusedError.of(Fault(f"{prefix}data", f"cannot be written as JSON: {error}")) from None


@dataclass(frozen=True, slots=True)
class Call(Generic[Result]):
    """One request, and how its answer is read."""

    path: str
    body: bytes
    idempotency_key: str
    """The caller's, or a random one, so that every call may be repeated."""
    read: Callable[[bytes], Result]
    """Reads the body of a 2xx. Raises ValueError if it is not what the bridge sends."""


def publish_call(publication: Publication, idempotency_key: str | None) -> Call[str]:
    """Publishes one event; the result is its offset. Raises RequestRefusedError."""
    return Call(
        "/api/events",
        publication.to_json().encode(),
        _usable_key(idempotency_key),
        lambda body: offsets_of(body, 1)[0],
    )


def publish_all_call(publications: Sequence[Publication], idempotency_key: str | None) -> Call[list[str]]:
    """Publishes several events, all or none; the result is their offsets. Raises RequestRefusedError."""
    events = ",".join(one.to_json(f"events.{number}.") for number, one in enumerate(publications))
    count = len(publications)
    return Call(
        "/api/events",
        f'{{"events":[{events}]}}'.encode(),
        _usable_key(idempotency_key),
        lambda body: offsets_of(body, count),
    )


def register_payment_call(
    *, amount: Decimal | str, idempotency_key: str | None, **ids: str | None
) -> Call[RegisteredPayment]:
    """Registers a payment; `ids` are the other fields by their names in Python. Raises RequestRefusedError."""
    try:
        wanted = {**ids, "amount": format_amount(parse_amount(amount))}
    except AmountUnreadableError as error:
        raise RequestRefusedError.of(Fault("amount", str(error))) from None
    try:
        body = _json({to_camel(name): value for name, value in wanted.items() if value is not None})
    except (TypeError, ValueError) as error:
        raise RequestRefusedError.of(Fault("body", f"cannot be written as JSON: {error}")) from None
    return Call("/api/payments", body.encode(), _usable_key(idempotency_key), RegisteredPayment.model_validate_json)


def _json(content: object) -> str:
    # Sorted, because the bridge compares requests with one idempotency key byte by byte.
    return json.dumps(content, allow_nan=False, sort_keys=True, separators=(",", ":"))


def _usable_key(key: str | None) -> str:
    if key is None:
        return uuid.uuid4().hex
    if len(key) > KEY_LIMIT_CHARACTERS or HEADER_TEXT.fullmatch(key) is None:
        message = f"expected 1 to {KEY_LIMIT_CHARACTERS} printable ASCII characters, without blanks around them"
        raise RequestRefusedError.of(Fault("Idempotency-Key", message))
    return key
