"""An endpoint that does not always pass on what its node says."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.anvil import Anvil
from tests.scripted_gateway import Gateway, Request

__all__ = ["Liar", "Refusal", "of_fork", "other_hash"]


def other_hash(block_hash: str) -> str:
    """What a block's hash is never, always the same for each."""
    return f"0x{int(block_hash, 16) ^ 1:064x}"


def of_fork(said: Any) -> Any:
    """What a node says, with its blocks named as those of another fork."""
    if isinstance(said, list):
        return [of_fork(one) for one in said]
    if not isinstance(said, dict):
        return said
    hashes = {name: other_hash(said[name]) for name in ("blockHash", "parentHash") if said.get(name)}
    if "parentHash" in said:
        hashes["hash"] = other_hash(said["hash"])
    return said | {name: of_fork(said[name]) for name in ("transactions", "logs") if name in said} | hashes


def _as_the_node_has_it(method: str, parameters: list[Any]) -> list[Any]:
    """The parameters of a question about another fork."""
    first, *others = parameters
    if isinstance(first, dict) and "blockHash" in first:
        first = first | {"blockHash": other_hash(first["blockHash"])}
    return [other_hash(first) if method.endswith("ByHash") and "Block" in method else first, *others]


@dataclass(frozen=True)
class Refusal:
    """An error in JSON-RPC's own words, and the HTTP status that it comes with."""

    code: int
    message: str
    status: int = 200


class Liar:
    """Passes questions on to a real node, and changes the answers of some: to a result, a refusal, an HTTP status,
    or what a function makes of the question's parameters (`...` to pass it on)."""

    def __init__(self, gateway: Gateway, anvil: Anvil) -> None:
        self.url = gateway.url
        self.answers: dict[str, Any] = {}
        self.is_dead = False
        self.asked: list[str] = []
        self.anvil = anvil
        gateway.answers(self._answer)

    def changes(self, method: str, change: Callable[[list[Any], Any], Any], *, is_of_fork: bool = False) -> None:
        """Has a function make something else of what the node answers, by the question's parameters. `is_of_fork`: it
        knows blocks by the hashes of another fork, and by no others."""

        def changed(parameters: list[Any]) -> Any:
            said = self.anvil.answer(method, *(_as_the_node_has_it(method, parameters) if is_of_fork else parameters))
            if "error" in said:
                return Refusal(said["error"]["code"], said["error"]["message"])
            return change(parameters, said["result"])

        self.answers[method] = changed

    def forks(self) -> None:
        """Shows another fork with the same in it, whatever it is asked."""
        for method in ("eth_getBlockByNumber", "eth_getLogs", "eth_getTransactionReceipt", "debug_traceBlockByHash"):
            self.changes(method, lambda _, said: of_fork(said), is_of_fork=True)

    def stumbles(self, method: str, times: int = 1) -> None:
        """Fails at the next few questions of this kind alone."""
        left = times

        def stumble(parameters: list[Any]) -> Any:
            nonlocal left
            left -= 1
            if left < 1:
                self.answers.pop(method, None)
            return 503

        self.answers[method] = stumble

    def stands_at(self, number: int) -> None:
        """Shows this block as its newest, whatever comes after it."""

        def shown(parameters: list[Any]) -> Any:
            is_newest = parameters[0] == "latest"
            return self.anvil.ask("eth_getBlockByNumber", hex(number), *parameters[1:]) if is_newest else ...

        self.answers["eth_getBlockByNumber"] = shown

    def _answer(self, request: Request) -> bytes | None:
        if self.is_dead:
            return None
        method, number = request.content["method"], request.content["id"]
        self.asked.append(method)
        result, status = self.answers.get(method, ...), 200
        if callable(result):
            result = result(request.content["params"])
        if isinstance(result, int):
            return b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % result
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": number}
        if isinstance(result, Refusal):
            status = result.status
            answer["error"] = {"code": result.code, "message": result.message}
        elif result is ...:
            answer |= self.anvil.answer(method, *request.content["params"])
        else:
            answer["result"] = result
        body = json.dumps(answer).encode()
        head = b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        return head % (status, len(body)) + body
