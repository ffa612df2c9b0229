"""Idempotency keys as services and the console send them, and what of a request one stands for.

Two requests are the same if they mean the same: "28.9" and "28.90" are one amount.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from pydantic_core import to_jsonable_python

from bridge.http.front.problems import wrong_field
from bridge.journal import IdempotencyKey
from coordinator.events import Event
from coordinator.ids import NO_UNSEEN, is_id
from coordinator.models import FrozenModel
from coordinator.money import format_amount

__all__ = ["Unsaid", "idempotency_of", "idempotency_of_events", "require_plain_key"]

Unsaid = Mapping[str, bool | set[str]] | set[str]
"""Fields, and of which fields which, as pydantic leaves them out."""


def require_plain_key(key: str) -> str:
    """Returns a key as it stands in the header. Raises ValidationException if it is no id, as which it is kept."""
    try:
        read = key.encode("latin-1").decode()
    except UnicodeError:
        read = key
    if not is_id(read):
        raise wrong_field("Idempotency-Key", f"expected a key {NO_UNSEEN}, and not of blanks alone")
    return key


def idempotency_of(
    scope: str, key: str | None, request: FrozenModel, *, unsaid: Unsaid | None = None
) -> IdempotencyKey | None:
    """The key of a request, within a scope; None if it has none. `unsaid` are fields that make
    no other request: they were not there when an older bridge made the digest, or say what somebody has seen."""
    if not key:
        return None
    digest = _digest(to_jsonable_python(_meaning(request.model_dump(exclude=unsaid))))
    return IdempotencyKey(scope, require_plain_key(key), digest)


def idempotency_of_events(scope: str, key: str, events: Sequence[Event], body: bytes) -> IdempotencyKey:
    """The key of a publication, within a scope. It stands for the events, however their fields are ordered and
    whether one is published alone or in a list; earlier versions had it stand for the bytes of the body."""
    meaning = [[event.name, event.audience.everyone, event.audience.rooms, event.payload] for event in events]
    former_digest = hashlib.sha256(body).hexdigest()
    return IdempotencyKey(scope, require_plain_key(key), _digest(meaning), former_digest)


def _digest(meaning: object) -> str:
    return hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()


def _meaning(value: Any) -> Any:
    match value:
        case Decimal():
            return format_amount(value.normalize())
        case dict():
            return {name: _meaning(one) for name, one in value.items()}
        case list() | tuple():
            return [_meaning(one) for one in value]
    return value
