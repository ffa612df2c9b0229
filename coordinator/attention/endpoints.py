"""Endpoints that need a person: those that the bridge has given up, and those that will not get all events. Pure."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from coordinator.attention.items import Attention, AttentionKind
from coordinator.endpoints.endpoints import Endpoint

__all__ = ["endpoint_attention"]


def endpoint_attention(endpoint: Endpoint) -> Iterator[Attention]:
    """What is wrong with an endpoint. What somebody has disabled is not."""
    where = f"{endpoint.endpoint_id}, {urlsplit(endpoint.url).netloc}"
    if endpoint.disabled_at is not None and endpoint.disabled_by is None:
        yield Attention(
            kind=AttentionKind.ENDPOINT_DISABLED,
            subject=endpoint.endpoint_id,
            title="Events are not sent to an endpoint any more",
            detail=f"{where}: {endpoint.disabled_because}",
            advice=(
                "Have whoever runs it look why, and try it with a test event. Then enable it, at /ops/endpoints: it"
                " is sent all that came meanwhile, as long as that is stored. Remove it if nobody needs it."
            ),
            since=endpoint.disabled_at,
            news_at=endpoint.disabled_at,
            remedies=("dismiss",),
        )
    if endpoint.missed_at is not None:
        yield Attention(
            kind=AttentionKind.ENDPOINT_MISSED,
            subject=endpoint.endpoint_id,
            title="An endpoint will not get all events",
            detail=f"{where}: {endpoint.missed} so far; the last of them: {endpoint.missed_because}",
            lasting_detail=where,
            advice=(
                "What is listed as failed at /ops/endpoints can be replayed there. What was forgotten is not sent any"
                " more: have its service look up how things stand. Then dismiss this."
            ),
            since=endpoint.missed_at,
            news_at=endpoint.missed_at,
            remedies=("dismiss",),
        )
