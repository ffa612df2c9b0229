"""JSON-RPC over a WebSocket for web3.py, held: its own provider keeps whatever an endpoint sends, asked for or not,
never again hears one that has once sent what it cannot read, and goes wherever it is sent.

Overrides and uses of web3.py 8: `socket_recv`, `form_request`, `is_connected` and `disconnect`, its own; and of what
is undocumented `_message_listener_task`, `_provider_specific_connect` and `_provider_specific_disconnect`; of
websockets `process_redirect`. `test_web_socket_provider.py` shows what for: with the stock provider it fails.
"""

from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError
from websockets.frames import CloseCode

from coordinator.json_text import NotJsonError, json_in
from providers.answers import AnswerTooLargeError
from providers.onchain.nodes.http_provider import ANSWER_LIMIT_BYTES, PARTS_LIMIT, response_of
from providers.onchain.nodes.web3_library import RPCEndpoint, RPCRequest, RPCResponse, WebSocketProvider

__all__ = ["HeldWebSocketProvider"]

NEWS = "eth_subscription"
# A header is some thousand characters; they wait in a queue until somebody looks at them.
NEWS_LIMIT = 100_000


class _ConnectThere(connect):
    """Connects to the endpoint that was named: another one may be where the second word comes from, or no endpoint at
    all."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class HeldWebSocketProvider(WebSocketProvider):
    """Asks one endpoint, and hears of new blocks."""

    def __init__(self, url: str, *, timeout_seconds: float) -> None:
        # One try: where it fails another endpoint is asked, which is sooner than to wait here and try again.
        super().__init__(
            url,
            request_timeout=timeout_seconds,
            max_connection_retries=1,
            websocket_kwargs={"max_size": ANSWER_LIMIT_BYTES},
        )
        self._asked: set[int] = set()
        """The numbers of the questions that may still be answered."""

    def form_request(self, method: RPCEndpoint, params: Any = None) -> RPCRequest:
        request = super().form_request(method, params)
        if isinstance(request["id"], int):
            self._asked.add(request["id"])
        return request

    async def _provider_specific_connect(self) -> None:
        self._ws = await _ConnectThere(self.endpoint_uri, **self.websocket_kwargs)

    async def is_connected(self, show_traceback: bool = False) -> bool:
        listening = self._message_listener_task
        if listening is None or listening.done():
            # Whatever ended it, nobody would hear an answer.
            await self._hang_up()
            return False
        return await super().is_connected(show_traceback)

    async def disconnect(self) -> None:
        try:
            await super().disconnect()
        except (NotJsonError, AnswerTooLargeError):
            await super().disconnect()  # what ended the listening is said once

    async def socket_recv(self) -> RPCResponse:
        """The next answer, or piece of news. Raises NotJsonError, having hung up, for what is neither, and
        AnswerTooLargeError for what is more than is read."""
        if self._ws is None:
            raise NotJsonError("has ended")
        try:
            message = await self._ws.recv()
        except ConnectionClosedError as error:
            if error.sent is not None and error.sent.code == CloseCode.MESSAGE_TOO_BIG:
                await self._hang_up()
                raise AnswerTooLargeError("an answer larger than is read", 0) from None
            raise
        try:
            return self._read(json_in(message, parts_limit=PARTS_LIMIT), len(message))
        except NotJsonError:
            await self._hang_up()
            raise

    def _read(self, said: Any, size: int) -> RPCResponse:
        is_news = isinstance(said, dict) and said.get("method") == NEWS and isinstance(said.get("params"), dict)
        if is_news and size <= NEWS_LIMIT:
            return response_of(said)
        number = said.get("id") if isinstance(said, dict) else None
        if not isinstance(number, int) or number not in self._asked:
            raise NotJsonError("answers no question")
        self._asked.discard(number)
        return response_of(said)

    async def _hang_up(self) -> None:
        self._asked.clear()
        await self._provider_specific_disconnect()
