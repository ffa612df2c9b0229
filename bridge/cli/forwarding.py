"""`bridge listen --forward-to`: hands what is heard on to a program on a developer's machine, as an endpoint would be
sent it. What that does not take is said, and not sent again."""

import asyncio
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from coordinator.endpoints.endpoints import message_body
from coordinator.endpoints.signing import signed_headers
from coordinator.ids import new_id

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Forwarder"]

# As long as an endpoint has, unless somebody has set that.
ANSWER_SECONDS = 15.0


class Forwarder:
    """Posts one event after the other."""

    def __init__(self, url: str, secret: str) -> None:
        import httpx

        self._client = httpx.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False, verify=url.startswith("https:"))
        self._url = url
        self._secret = secret
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        await self._client.aclose()

    async def forward(self, event: str, payload: Any) -> str:
        """Sends one, in its turn, and returns what came of it."""
        import httpx

        now = datetime.now(UTC)
        # A client of the sockets is told neither the rooms of an event nor, in this way, its offset.
        body = message_body(event, now, json.dumps(payload), offset=None, rooms=(), everyone=False)
        headers = {
            "Content-Type": "application/json",
            **signed_headers(new_id("evt", now), now, body, [self._secret]),
        }
        async with self._turn:
            try:
                answer = await self._client.post(self._url, content=body, headers=headers)
            except httpx.HTTPError as error:
                return f"not taken: {type(error).__name__}"
        return f"{'taken' if answer.is_success else 'not taken'}: {answer.status_code}"
