"""What several requests of one batch will look up, asked of the database at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import CompoundSelect, Select, bindparam, select, union

from bridge.journal.tables import schema
from bridge.journal.writing.statements import numbered
from coordinator.payments.observed.claims import MoneyClaim

__all__ = ["Prefetch", "observations_by_keys", "payments_by_external_ids", "payments_by_ids", "payments_of_requests"]


@dataclass(frozen=True, slots=True)
class Prefetch:
    """What a request will look up: a message of a provider, and the payment that it is about."""

    provider: str
    key: str
    external_id: str
    claims: Mapping[str, MoneyClaim] = field(default_factory=dict)
    """By the keys of the transfers that it tells of, what names their money."""


@cache
def payments_by_external_ids(count: int) -> Select[Any]:
    """So many payments, by what their provider calls them."""
    return select(schema.payments).where(
        schema.payments.c.provider == bindparam("by_provider"),
        schema.payments.c.external_id.in_([bindparam(name) for name in numbered(count)]),
    )


@cache
def payments_by_ids(count: int) -> Select[Any]:
    """So many payments, by their ids."""
    ids: list[Any] = [bindparam(name) for name in numbered(count)]
    return select(schema.payments).where(schema.payments.c.payment_id.in_(ids))


def payments_of_requests(request_ids: Any) -> CompoundSelect[Any]:
    """The ids of the payments for some purchase requests, of their own or through a template checkout. Not by an OR,
    with which PostgreSQL looks through all payments."""
    payments, requests = schema.payments, schema.checkout_requests
    return union(
        select(payments.c.payment_id).where(payments.c.request_id.in_(request_ids)),
        select(requests.c.payment_id).where(requests.c.request_id.in_(request_ids)),
    )


@cache
def observations_by_keys(count: int) -> Select[Any]:
    """Which of so many messages of a provider are written down."""
    return select(schema.observations.c.key).where(
        schema.observations.c.provider == bindparam("by_provider"),
        schema.observations.c.key.in_([bindparam(name) for name in numbered(count)]),
    )
