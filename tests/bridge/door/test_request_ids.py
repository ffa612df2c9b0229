"""Request ids: which is taken from whoever asks, and that it is known for as long as the request is answered."""

import asyncio
import re
from typing import Any

import pytest

from bridge.request_ids import current_request_id
from tests.bridge.door.conftest import House, served

OWN = re.compile(r"[0-9a-f]{16}")


class Noting(House):
    """Writes down what each request is called while it is answered, and what something that it began is called."""

    def __init__(self) -> None:
        super().__init__()
        self.noted: list[str | None] = []
        self.go_on = asyncio.Event()
        self.later: list[asyncio.Task[str | None]] = []

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        async def name_later() -> str | None:
            await self.go_on.wait()
            return current_request_id()

        self.later.append(asyncio.create_task(name_later()))
        self.noted.append(current_request_id())
        if scope["path"] == "/fails":
            raise RuntimeError("as a wrong application does")
        await super()._answer(scope, receive, send)


def asking(*headers: str, path: str = "/") -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: a", "Connection: close", *headers]
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n"


def named_in(answer: bytes) -> str:
    [name] = re.findall(rb"\r\nx-request-id: ([^\r]*)\r\n", answer.partition(b"\r\n\r\n")[0] + b"\r\n")
    return str(name.decode())


@pytest.mark.parametrize(
    "said", ["a", "4bf92f35-77b3.4da6:a3ce=929d/0e+0e@4736_x", "Root=1-67891233-abcdef", "x" * 128]
)
async def test_what_is_harmless_is_taken(said: str) -> None:
    house = Noting()
    async with served(house):
        assert named_in(await house.converse([asking(f"X-Request-Id: {said}")])) == said
        assert house.noted == [said]


@pytest.mark.parametrize(
    "headers",
    [
        [],
        ["X-Request-Id: "],
        ["X-Request-Id: " + "x" * 129],
        ["X-Request-Id: two words"],
        ['X-Request-Id: {"a":1}'],
        ["X-Request-Id: caf\u00e9"],
        ["X-Request-Id: one", "X-Request-Id: two"],
    ],
)
async def test_any_other_has_one_that_is_made(headers: list[str]) -> None:
    house = Noting()
    async with served(house):
        names = [named_in(await house.converse([asking(*headers)])) for _ in range(2)]
    assert all(map(OWN.fullmatch, names))
    assert house.noted == names
    assert names[0] != names[1]


async def test_one_that_fails_says_its_id_too() -> None:
    house = Noting()
    async with served(house):
        answer = await house.converse([asking("X-Request-Id: one", path="/fails")])
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert named_in(answer) == "one"


async def test_what_outlives_a_request_is_no_part_of_it() -> None:
    house = Noting()
    async with served(house):
        await house.converse([asking("X-Request-Id: one")])
        house.go_on.set()
        assert await asyncio.gather(*house.later) == [None]
