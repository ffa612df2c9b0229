"""One endpoint of a chain: asks it, over HTTP or a WebSocket, and says in few words what was wrong. Before its
answers count it has to say that it is of the right chain, and again whenever there is doubt.

Nothing that it raises shows its URL, which may hold a key.
"""

import asyncio
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from urllib.parse import urlsplit

from prometheus_client import Counter

from coordinator.json_text import NotJsonError, TooDeepError
from providers.answers import AnswerTooLargeError, NeighbourError
from providers.onchain.chains import Chain, host_of
from providers.onchain.nodes.endpoints import Fault
from providers.onchain.nodes.fitting import misfit
from providers.onchain.nodes.http_provider import HttpProvider, StatusError
from providers.onchain.nodes.web3_library import AsyncWeb3, RPCEndpoint, Web3RPCError, WebSocketProvider
from providers.onchain.nodes.web_socket_provider import HeldWebSocketProvider
from providers.onchain.quantities import quantity
from providers.question_spans import question_spans

__all__ = [
    "METHOD_NOT_FOUND",
    "QUESTIONS",
    "FaultyError",
    "Node",
    "NotItsBlockError",
    "RefusedByNodeError",
    "TooLargeError",
    "number_in",
]

# JSON-RPC error codes for too many questions. The first is also what some say to a question for too many logs.
TOO_MUCH, TOO_MANY_QUESTIONS = -32005, frozenset({-32007, -32016, -32029, -32090, 429})
_ABOUT_THE_RATE = re.compile(r"\brate\b|too many|per second|request count|capacity|throttl", re.IGNORECASE)
# What can be said of questions alone, whatever the code. It costs an endpoint some seconds.
_ABOUT_QUESTIONS = re.compile(r"too many requests|\brate.?limit|\brequest limit|requests per second", re.IGNORECASE)
# JSON-RPC's own "method not found", and EIP-1474's "method not supported".
METHOD_NOT_FOUND = -32601
_NO_SUCH_METHOD_CODES = frozenset({METHOD_NOT_FOUND, -32004})
SHOWN_CHARACTERS = 200
# What is shorter than this in a URL is no key, and would take ordinary words out of messages.
SHORTEST_SECRET = 6
QUESTIONS = Counter("bridge_chain_questions", "Questions to the nodes of a chain", ["chain", "method"])


class RefusedByNodeError(Exception):
    """A node that is well does not answer this question, such as one for too many blocks."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code

    @property
    def is_for_good(self) -> bool:
        """Whether the node says by its code that it does not offer this at all. Its words say nothing: a backend that
        crashed speaks of methods too."""
        return self.code in _NO_SUCH_METHOD_CODES


class TooLargeError(RefusedByNodeError):
    """The answer to this question is more than is taken, of whichever node: as many logs, or calls in a trace, as a
    stranger pays for. No endpoint is to blame for it."""

    def __init__(self, message: str) -> None:
        super().__init__(0, message)


class FaultyError(Exception):
    """Something is wrong with the endpoint."""

    def __init__(self, fault: Fault, reason: str) -> None:
        super().__init__(reason)
        self.fault = fault


class NotItsBlockError(Exception):
    """An endpoint does not have a block that another one has shown, which is no fault of its own."""


class Node:
    """Asks one endpoint."""

    def __init__(self, url: str, chain: Chain, *, timeout_seconds: float) -> None:
        self.host = host_of(url)
        self._chain = chain
        self._timeout_seconds = timeout_seconds
        self._web3 = _web3(url, timeout_seconds)
        self._connecting = asyncio.Lock()
        self._making_sure = asyncio.Lock()
        self._is_of_chain = False
        parts = urlsplit(url)
        words = (parts.username, parts.password, *re.split(r"[/?&=;]", f"{parts.path}?{parts.query}"))
        self._secrets = [word for word in words if word and len(word) >= SHORTEST_SECRET]

    @property
    def is_websocket(self) -> bool:
        return isinstance(self._web3.provider, WebSocketProvider)

    async def aclose(self) -> None:
        await self._web3.provider.disconnect()

    def doubt(self) -> None:
        """Has it say anew of which chain it is, before it is asked anything else."""
        self._is_of_chain = False

    async def ask(self, method: str, *parameters: Any) -> Any:
        """What it answers. Raises FaultyError, and RefusedByNodeError."""
        await self._make_sure()
        answer = await self._send(method, *parameters)
        if (said := misfit(method, parameters, answer)) is not None:
            raise FaultyError(Fault.INCONSISTENT, said)
        return answer

    async def heads(self, notify: Callable[[], None]) -> None:
        """Calls `notify` at each new block, until the connection ends. For WebSockets."""
        await self.ask("eth_blockNumber")  # connects
        await self._web3.eth.subscribe("newHeads")
        async for _ in self._web3.socket.process_subscriptions():
            notify()

    async def _make_sure(self) -> None:
        if self._is_of_chain:
            return
        async with self._making_sure:
            if self._is_of_chain:
                return
            try:
                chain_id = number_in(await self._send("eth_chainId"))
            except RefusedByNodeError as error:
                raise FaultyError(Fault.UNREACHABLE, str(error)) from None
            if chain_id != self._chain.chain_id:
                raise FaultyError(Fault.WRONG_CHAIN, f"it is a node of chain {chain_id}")
            self._is_of_chain = True

    async def _send(self, method: str, *parameters: Any) -> Any:
        QUESTIONS.labels(self._chain.name, method).inc()
        try:
            async with asyncio.timeout(self._timeout_seconds):
                if isinstance(self._web3.provider, WebSocketProvider):
                    async with self._connecting:
                        if not await self._web3.provider.is_connected():
                            await self._web3.provider.connect()
                with self._span(method):
                    return await self._web3.manager.coro_request(RPCEndpoint(method), list(parameters))
        except Web3RPCError as error:
            raise self._refusal(method, error) from None
        except (AnswerTooLargeError, TooDeepError) as error:
            # Calls nest as deeply as a stranger pays for, logs never.
            is_of_logs = method == "eth_getLogs" and isinstance(error, AnswerTooLargeError)
            if is_of_logs or method.startswith("debug_trace"):
                raise TooLargeError(str(error)) from None
            raise FaultyError(Fault.UNREACHABLE, str(error)) from None
        except (NeighbourError, NotJsonError) as error:
            raise FaultyError(Fault.UNREACHABLE, str(error)) from None
        except Exception as error:
            # The libraries below have errors of their own for each transport, and their texts repeat the URL.
            status = _status_in(error)
            fault = Fault.THROTTLED if status == 429 else Fault.UNREACHABLE
            raise FaultyError(fault, type(error).__name__ if status is None else f"HTTP status {status}") from None

    def _span(self, method: str) -> AbstractContextManager[object]:
        """That of a question over a WebSocket, where anybody wants one; over HTTP it has one in any case."""
        begin = question_spans.begin
        return nullcontext() if begin is None or not self.is_websocket else begin(None, self.host, None, method)

    def _refusal(self, method: str, error: Web3RPCError) -> Exception:
        said: Any = (error.rpc_response or {}).get("error", {})
        code, message = (said.get("code"), said.get("message")) if isinstance(said, dict) else (0, said)
        text = self._without_secrets(str(message))[:SHOWN_CHARACTERS]
        is_of_logs = method == "eth_getLogs" and _ABOUT_THE_RATE.search(text) is None
        is_of_questions = code not in _NO_SUCH_METHOD_CODES and _ABOUT_QUESTIONS.search(text) is not None
        if code in TOO_MANY_QUESTIONS or (code == TOO_MUCH and not is_of_logs) or is_of_questions:
            return FaultyError(Fault.THROTTLED, text)
        return RefusedByNodeError(code if isinstance(code, int) else 0, text)

    def _without_secrets(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "…")
        return text


def number_in(value: Any) -> int:
    """A number as nodes write it. Raises FaultyError."""
    try:
        return quantity(value)
    except ValueError:
        raise FaultyError(Fault.INCONSISTENT, "a number is none") from None


def _web3(url: str, timeout_seconds: float) -> "AsyncWeb3[Any]":
    # Without middleware the answers are the nodes' own, in hexadecimal: all that is needed, at the least cost.
    if url.startswith("ws"):
        return AsyncWeb3(HeldWebSocketProvider(url, timeout_seconds=timeout_seconds), middleware=[])
    return AsyncWeb3(HttpProvider(url, timeout_seconds=timeout_seconds), middleware=[])


def _status_in(error: BaseException) -> int | None:
    """The HTTP status that an error is about, also one that refused a WebSocket."""
    if isinstance(error, StatusError):
        return error.status
    response = getattr(error.__cause__ or error, "response", None)
    status = getattr(response, "status_code", None)
    return status if isinstance(status, int) else None
