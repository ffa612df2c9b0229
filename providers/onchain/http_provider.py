"""JSON-RPC over HTTP for web3.py, with connections that stay open: its own provider opens one for each question."""

from typing import Any

import httpx

from providers.certificates import certificates
from providers.onchain.web3_library import AsyncJSONBaseProvider, RPCEndpoint, RPCResponse

__all__ = ["HttpProvider", "StatusError"]

CONNECTIONS = 32
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
        limits = httpx.Limits(max_connections=CONNECTIONS)
        self._client = httpx.AsyncClient(
            timeout=timeout_seconds, limits=limits, headers=HEADERS, verify=certificates()
        )

    async def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """One question. Raises StatusError, httpx.TransportError, and ValueError for what is no JSON."""
        answer = await self._client.post(self._url, content=self.encode_rpc_request(method, params))
        if not answer.is_success and not (answer.is_client_error and _says_why(answer)):
            raise StatusError(answer.status_code)
        return self.decode_rpc_response(answer.content)

    async def disconnect(self) -> None:
        await self._client.aclose()


def _says_why(answer: httpx.Response) -> bool:
    """Whether it refuses the question in JSON-RPC's own words, as some do one for too many blocks with 400 or 413."""
    if answer.status_code == TOO_MANY_QUESTIONS:
        return False
    try:
        said = answer.json()
    except ValueError:
        return False
    return isinstance(said, dict) and isinstance(said.get("error"), dict)
