"""Answers of neighbours are held: to a deadline for the whole, to bounds on their heads and on what they come to, and
to errors that are known."""

import asyncio
import socket
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise

import httpx
import pytest

from coordinator.json_text import NotJsonError, json_in
from providers.answers import (
    AnswerTooLargeError,
    HttpAnswer,
    NeighbourError,
    NotReachedError,
    NoWholeAnswerError,
    TooLateError,
    ask,
    neighbour,
)
from tests.lying_neighbour import (
    INTERIM,
    LIES,
    Asked,
    LyingNeighbour,
    answer,
    drip,
    drip_head,
    encoded,
    lying_neighbour,
)
from tests.waiting import GIVE_UP_SECONDS, until

LIMIT_BYTES = 2_000_000


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with neighbour() as client:
        yield client


async def put(client: httpx.AsyncClient, liar: LyingNeighbour, *, seconds: float = GIVE_UP_SECONDS) -> HttpAnswer:
    request = client.build_request("GET", f"{liar.url}/hidden-key")
    return await ask(client, request, deadline_seconds=seconds, limit_bytes=LIMIT_BYTES)


@pytest.mark.parametrize("lie", LIES)
async def test_whatever_is_answered_costs_little_and_is_read_or_a_known_error(
    client: httpx.AsyncClient, lie: str
) -> None:
    with lying_neighbour(LIES[lie]) as liar:
        next(iter(LIES[lie](Asked("GET", "/", b""))), None)  # made before it is measured
        error: Exception | None = None
        tracemalloc.start()
        try:
            json_in((await put(client, liar)).content)
        except (NeighbourError, NotJsonError) as known:
            error = known
        finally:
            _, peak_bytes = tracemalloc.get_traced_memory()
            tracemalloc.stop()
    assert "hidden-key" not in str(error)
    assert peak_bytes < 10 * LIMIT_BYTES
    assert len(liar.asked) == 1


@pytest.mark.parametrize("lie", ["bomb", "endless"])
async def test_what_comes_to_more_than_is_read_is_given_up_while_it_comes(
    client: httpx.AsyncClient, lie: str
) -> None:
    with lying_neighbour(LIES[lie]) as liar:
        with pytest.raises(AnswerTooLargeError, match="2000000 bytes"):
            await put(client, liar)
        await until(lambda: liar.ended)


@pytest.mark.parametrize(
    ("lie", "error"),
    [
        ("endless past its end", NoWholeAnswerError),
        ("endless and empty", AnswerTooLargeError),
        ("interim", NoWholeAnswerError),
    ],
)
async def test_what_comes_to_nothing_and_never_ends_is_given_up_too(
    client: httpx.AsyncClient, lie: str, error: type[Exception]
) -> None:
    with lying_neighbour(LIES[lie]) as liar:
        with pytest.raises(error):
            await put(client, liar)
        await until(lambda: liar.ended)


async def test_through_a_proxy_interim_answers_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with lying_neighbour(LIES["interim"]) as proxy:
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("http_proxy", proxy.url)
        async with neighbour() as client:
            request = client.build_request("GET", "http://node.example/")
            with pytest.raises(NoWholeAnswerError, match="RemoteProtocolError"):
                await ask(client, request, deadline_seconds=GIVE_UP_SECONDS, limit_bytes=LIMIT_BYTES)


@pytest.mark.parametrize("count", [0, 3])
async def test_a_few_interim_answers_are_passed_over(client: httpx.AsyncClient, count: int) -> None:
    whole = b"HTTP/1.1 200 X\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1_000_000
    with lying_neighbour(lambda _: iter([INTERIM * count, whole])) as honest:
        assert len((await put(client, honest)).content) == 1_000_000


PIECES = 5_000


class Counted(httpx.AsyncByteStream):
    """An answer's pieces, counted as they come."""

    def __init__(self, pieces: httpx.AsyncByteStream) -> None:
        self._pieces = pieces
        self.count = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._pieces:
            self.count += 1
            yield piece

    async def aclose(self) -> None:
        await self._pieces.aclose()


async def test_an_answer_in_thousands_of_pieces_keeps_nobody_from_their_turn(client: httpx.AsyncClient) -> None:
    body = b"1\r\nx\r\n" * PIECES + b"0\r\n\r\n"
    between_turns: list[int] = []

    async def count(response: httpx.Response) -> None:
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = counted = Counted(response.stream)

        def turn() -> None:
            between_turns.append(counted.count)
            if counted.count < PIECES:
                asyncio.get_running_loop().call_soon(turn)

        turn()

    client.event_hooks = {"response": [count]}
    with lying_neighbour(lambda _: iter([b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n" + body])) as liar:
        assert (await put(client, liar)).content == b"x" * PIECES
    assert max(after - before for before, after in pairwise(between_turns)) <= 2


@pytest.mark.parametrize("lie", [drip, drip_head])
async def test_an_answer_that_drips_ends_at_the_deadline(client: httpx.AsyncClient, lie: object) -> None:
    with lying_neighbour(lie) as liar:  # type: ignore[arg-type]
        with pytest.raises(TooLateError, match=r"0\.2 s"):
            await put(client, liar, seconds=0.2)
        await until(lambda: liar.ended)


async def test_two_encodings_one_within_the_other_are_not_read(client: httpx.AsyncClient) -> None:
    with lying_neighbour(LIES["nested bomb"]) as liar, pytest.raises(NoWholeAnswerError, match="not asked for"):
        await put(client, liar)


async def test_one_encoding_is_read_as_it_was_written(client: httpx.AsyncClient) -> None:
    with lying_neighbour(encoded(b'{"status": "success"}')) as liar:
        said = await put(client, liar)
    assert (said.status, said.content) == (200, b'{"status": "success"}')


async def test_a_redirect_is_an_answer_and_is_not_followed(client: httpx.AsyncClient) -> None:
    with lying_neighbour(LIES["redirect"]) as liar:
        assert (await put(client, liar)).is_redirect
        assert len(liar.asked) == 1


async def test_a_neighbour_cannot_have_ever_more_cookies_sent_back(client: httpx.AsyncClient) -> None:
    with lying_neighbour(lambda _: iter([b"HTTP/1.1 200 X\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"])) as liar:
        await put(client, liar)
        assert not client.cookies


async def test_it_is_known_whether_a_byte_of_the_question_has_left(client: httpx.AsyncClient) -> None:
    with lying_neighbour(answer({})) as liar:
        pass  # nobody listens there any more
    with pytest.raises(NotReachedError):
        await put(client, liar)
    with lying_neighbour(answer(b"")) as liar:
        liar.lie = lambda _: iter([])  # it hangs up
        with pytest.raises(NoWholeAnswerError) as caught:
            await put(client, liar)
    assert not isinstance(caught.value, NotReachedError)


async def test_a_connection_that_is_not_made_by_the_deadline_was_not_reached(client: httpx.AsyncClient) -> None:
    """So that an order for a payout, which may have left otherwise, can be given again."""
    with full_listener() as url, pytest.raises(NotReachedError, match="no connection"):
        await ask(client, client.build_request("GET", url), deadline_seconds=0.2, limit_bytes=1)


@contextmanager
def full_listener() -> Iterator[str]:
    """Somebody whose queue of those who want a connection is full, and who takes none of them."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, ExitStack() as waiting:
        for _ in range(8):
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
