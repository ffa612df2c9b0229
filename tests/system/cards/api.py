"""The provider of cards, as it is asked over HTTP."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from coordinator.errors import BridgeError
from coordinator.json_text import json_in
from providers.answers import HttpAnswer, NeighbourError, NotReachedError, ask, neighbour
from providers.errors import (
    AnswerUnusableError,
    CredentialsRefusedError,
    ProviderRefusedError,
    ProviderUnavailableError,
)
from tests.system.cards.wire import WireDispute, WirePayout, WireSession
from tests.waiting import GIVE_UP_SECONDS

__all__ = ["CardsApi", "OutcomeUnclearError"]

Read = TypeVar("Read", bound=BaseModel)


class OutcomeUnclearError(BridgeError):
    """It was asked to do something, and nobody knows whether it did."""


class CardsApi:
    def __init__(self, url: str, key: str) -> None:
        self._client = neighbour(url, headers={"Authorization": f"Bearer {key}"}, connections=8)
        self.aclose = self._client.aclose

    async def currencies(self) -> Sequence[str]:
        answer = await self._get("/currencies")
        return [str(one) for one in answer] if isinstance(answer, list) else []

    async def open_session(self, session: Mapping[str, Any]) -> WireSession:
        """Opening it again under the same reference gives the first."""
        return _read(WireSession, _accepted(await self._asked("POST", "/sessions", session)))

    async def sessions(self, reference: str | None = None) -> Sequence[WireSession]:
        return _read_all(WireSession, await self._get("/sessions", reference))

    async def dispute(self, name: str) -> WireDispute | None:
        answer = await self._get(f"/disputes/{quote(name, safe='')}")
        return None if answer is None else _read(WireDispute, answer)

    async def payouts(self, reference: str) -> Sequence[WirePayout]:
        return _read_all(WirePayout, await self._get("/payouts", reference))

    async def send_payout(self, payout: Mapping[str, Any]) -> WirePayout:
        """Raises OutcomeUnclearError, and ProviderError where it was certainly not sent."""
        try:
            answer = await self._put("POST", "/payouts", payout)
        except NotReachedError as error:
            raise ProviderUnavailableError(str(error)) from None
        except NeighbourError as error:
            raise OutcomeUnclearError(str(error)) from None
        if answer.status >= 500:
            raise OutcomeUnclearError(f"it answered {answer.status}")
        return _read(WirePayout, _accepted(answer))

    async def _get(self, path: str, reference: str | None = None) -> Any:
        query = "" if reference is None else f"?reference={quote(reference, safe='')}"
        answer = await self._asked("GET", path + query, None)
        return None if answer.status == 404 else _accepted(answer)

    async def _asked(self, method: str, path: str, content: object) -> HttpAnswer:
        try:
            return await self._put(method, path, content)
        except NeighbourError as error:
            raise ProviderUnavailableError(str(error)) from None

    async def _put(self, method: str, path: str, content: object) -> HttpAnswer:
        request = self._client.build_request(method, path, json=content)
        return await ask(self._client, request, deadline_seconds=GIVE_UP_SECONDS, limit_bytes=1_000_000)


def _accepted(answer: HttpAnswer) -> Any:
    if answer.status in (401, 403):
        raise CredentialsRefusedError("it does not know the key")
    if 400 <= answer.status < 500:
        content = json_in(answer.content)
        message = content.get("message") if isinstance(content, dict) else None
        raise ProviderRefusedError(str(message or answer.status))
    if not answer.is_success:
        raise ProviderUnavailableError(f"it answered {answer.status}")
    return json_in(answer.content)


def _read(kind: type[Read], content: object) -> Read:
    try:
        return kind.model_validate(content)
    except ValidationError:
        raise AnswerUnusableError("its answer makes no sense") from None


def _read_all(kind: type[Read], content: object) -> Sequence[Read]:
    if not isinstance(content, list):
        raise AnswerUnusableError("its answer is no list")
    return [_read(kind, one) for one in content]
