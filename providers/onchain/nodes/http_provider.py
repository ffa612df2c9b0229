"""JSON-RPC over HTTP for web3.py, with connections that stay open: its own provider opens one for each question, and
reads answers of any size for any time."""

from typing import Any

from coordinator.json_text import NotJsonError, has_more_parts, json_in
from providers.answers import AnswerTooLargeError, HttpAnswer, ask, neighbour
from providers.onchain.nodes.web3_library import AsyncJSONBaseProvider, RPCEndpoint, RPCResponse
from providers.question_spans import ASKED

__all__ = ["ANSWER_LIMIT_BYTES", "PARTS_LIMIT", "HttpProvider", "StatusError", "response_of"]

CONNECTIONS = 32
# The logs of a range that is worth asking for, and the traces of a full block, are some megabytes.
ANSWER_LIMIT_BYTES = 16_000_000
# A log has one in some forty bytes; as objects this many take some fifty megabytes.
PARTS_LIMIT = 200_000
TOO_MANY_QUESTIONS = 429
HEADERS = {"Content-Type": "application/json"}


class StatusError(Exception):
    """The endpoint answered with a status that is no success. Its URL is not in the message."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP status {status}")
        self.status = status


class HttpProvider(AsyncJSONBaseProvider):
    """Asks one endpoint."""

    def __init__(self, url: str, *, timeout_seconds: float) -> None:
        super().__init__()
        self._url = url
        self._timeout_seconds = timeout_seconds
        self._client = neighbour(headers=HEADERS, connections=CONNECTIONS, keepalive_connections=CONNECTIONS)

    async def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """One question. Raises StatusError, NeighbourError, and NotJsonError for what is no object of JSON."""
        asked = self.form_request(method, params)
        content = self.encode_rpc_dict(asked)
        request = self._client.build_request("POST", self._url, content=content, extensions={ASKED: method})
        answer = await ask(
            self._client, request, deadline_seconds=self._timeout_seconds, limit_bytes=ANSWER_LIMIT_BYTES
        )
        if not answer.is_success and not (400 <= answer.status < 500 and _says_why(answer)):
            raise StatusError(answer.status)
        if has_more_parts(answer.content, PARTS_LIMIT):
            raise AnswerTooLargeError(f"an answer of more than {PARTS_LIMIT} values", answer.status)
        said = json_in(answer.content, parts_limit=PARTS_LIMIT)
        if not isinstance(said, dict):
            raise NotJsonError("is not a JSON object")
        # Of a refusal it does not matter: many a one is made beforehand, with a number of its own.
        if "result" in said and str(said.get("id")) != str(asked["id"]):
            raise NotJsonError("answers another question")
        return response_of(said)

    async def disconnect(self) -> None:
        await self._client.aclose()


def response_of(said: dict[str, Any]) -> RPCResponse:
    """What an endpoint says, as web3 reads it. Some have an `error` of null beside the result."""
    parts: Any = {name: part for name, part in said.items() if name != "error" or part is not None}
    return RPCResponse(**parts)  # type: ignore[typeddict-item]  # what is in it web3 looks at


def _says_why(answer: HttpAnswer) -> bool:
    """Whether it refuses the question in JSON-RPC's own words, as some do one for too many blocks with 400 or 413."""
    if answer.status == TOO_MANY_QUESTIONS:
        return False
    try:
        said = json_in(answer.content)
    except NotJsonError:
        return False
    return isinstance(said, dict) and isinstance(said.get("error"), dict)
