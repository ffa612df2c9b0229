"""Questions to a real node are told of while they are asked, over HTTP and over a WebSocket, and never its URL."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from providers.onchain.chains import Chain
from providers.onchain.nodes.node import Node
from providers.question_spans import question_spans
from tests.anvil import Anvil
from tests.waiting import GIVE_UP_SECONDS

SECRET = "the-key-of-the-endpoint"


class Span:
    """A question, and the status of its answer."""

    traceparent = ""

    def __init__(self, *told: object) -> None:
        self.told = told
        self.status: int | None = None

    def answered(self, status: int) -> None:
        self.status = status


@pytest.mark.parametrize(("scheme", "method", "status"), [("http", "POST", 200), ("ws", None, None)])
async def test_each_question_is_told_of(
    anvil: Anvil, chain: Chain, monkeypatch: pytest.MonkeyPatch, scheme: str, method: str | None, status: int | None
) -> None:
    spans: list[Span] = []

    @contextmanager
    def begin(method: str | None, host: str, port: int | None, asked: str | None) -> Iterator[Span]:
        spans.append(Span(method, asked))
        assert "127.0.0.1" in host
        assert SECRET not in f"{host} {port} {asked}"
        yield spans[-1]

    monkeypatch.setattr(question_spans, "begin", begin)
    node = Node(f"{anvil.url.replace('http', scheme)}/?key={SECRET}", chain, timeout_seconds=GIVE_UP_SECONDS)
    assert int(await node.ask("eth_blockNumber"), 16) == anvil.head()
    await node.aclose()
    assert [span.told for span in spans] == [(method, "eth_chainId"), (method, "eth_blockNumber")]
    assert {span.status for span in spans} == {status}
