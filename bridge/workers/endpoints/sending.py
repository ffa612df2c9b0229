"""One try to send a message to an endpoint: signed, within a deadline, to an address that may be sent to, following
no redirect, and reading no more of an answer than is bounded."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime

import httpx

from bridge import __version__
from bridge.workers.endpoints.connections import connections_to_endpoints
from bridge.workers.endpoints.names import NameLookUps
from coordinator.endpoints.endpoints import EndpointRules, Try
from coordinator.endpoints.retry_after import rest_asked
from coordinator.endpoints.signing import signed_headers
from providers.answers import AnswerTooLargeError, NeighbourError, ask
from providers.question_spans import CARRIES_TRACE

__all__ = ["EndpointSender"]

ANSWER_LIMIT_BYTES = 65_536


class EndpointSender:
    """Sends to endpoints. It remembers nothing of them but their connections."""

    def __init__(self, rules: EndpointRules, clock: Callable[[], datetime]) -> None:
        self._rules = rules
        self._clock = clock
        names = NameLookUps()
        self._encrypted = connections_to_endpoints(names, rules.networks, is_encrypted=True)
        self._plain = connections_to_endpoints(names, rules.networks, is_encrypted=False)

    async def aclose(self) -> None:
        await self._encrypted.aclose()
        await self._plain.aclose()

    async def send(self, url: str, message_id: str, body: bytes, keys: Sequence[str]) -> Try:
        """Makes one try."""
        begun = time.monotonic()
        status, said, retry_after = await self._ask(url, message_id, body, keys)
        now = self._clock()
        took_ms = round((time.monotonic() - begun) * 1000)
        return Try(now, status, said, took_ms, rest_asked(retry_after, now))

    async def _ask(self, url: str, message_id: str, body: bytes, keys: Sequence[str]) -> tuple[int | None, str, str]:
        """The status, what was said, and when to try again as the answer has it."""
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"bridge/{__version__}",
            **signed_headers(message_id, self._clock(), body, keys),
        }
        client = self._encrypted if url.startswith("https:") else self._plain
        try:
            extensions = {CARRIES_TRACE: True}
            request = client.build_request("POST", url, content=body, headers=headers, extensions=extensions)
            answer = await ask(
                client,
                request,
                deadline_seconds=self._rules.timeout_seconds,
                limit_bytes=ANSWER_LIMIT_BYTES,
            )
        except AnswerTooLargeError as error:
            return error.status, str(error), ""  # it is the status that counts
        except NeighbourError as error:
            return None, str(error), ""
        except (httpx.InvalidURL, ValueError):
            return None, "its URL cannot be used", ""
        if answer.is_redirect:
            return answer.status, "it redirects, which is not followed: register where it leads", ""
        return answer.status, answer.content.decode("utf-8", "replace"), answer.retry_after
