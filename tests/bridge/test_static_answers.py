"""Static answers: each form has a tag of its own, and whoever has a form is not sent it again."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar, Request, Response, get

from bridge.static_answers import static_answer

TEXT = b"What everybody may read. " * 100
PICTURE = bytes(range(256)) * 10
HEADERS = {"Cache-Control": "no-cache", "Content-Security-Policy": "default-src 'none'"}
SHOWN: dict[str, bytes] = {}


@get("/shown")
async def shown(request: Request[Any, Any, Any]) -> Response[bytes]:
    return await static_answer(request, SHOWN["text"], "text/css", HEADERS)


@get("/picture")
async def picture(request: Request[Any, Any, Any]) -> Response[bytes]:
    return await static_answer(request, PICTURE, "image/png", HEADERS, is_text=False)


APPLICATION: Any = Litestar([shown, picture], openapi_config=None, logging_config=None)


def client_of() -> httpx.AsyncClient:
    transport = httpx.ASGITransport(APPLICATION)
    return httpx.AsyncClient(transport=transport, base_url="http://bridge.example", headers={"Accept-Encoding": ""})


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    SHOWN["text"] = TEXT
    async with client_of() as client:
        yield client


async def raw(client: httpx.AsyncClient, path: str, **headers: str) -> tuple[httpx.Response, bytes]:
    """The answer, and its bytes as they came."""
    asked = {name.replace("_", "-"): said for name, said in headers.items()}
    async with client.stream("GET", path, headers=asked) as answer:
        return answer, b"".join([piece async for piece in answer.aiter_raw()])


async def test_each_form_has_its_own_tag_and_says_that_there_are_two(client: httpx.AsyncClient) -> None:
    plain, text = await raw(client, "/shown")
    packed, content = await raw(client, "/shown", Accept_Encoding="br, gzip")
    assert (text, gzip.decompress(content)) == (TEXT, TEXT)
    assert len(content) < len(TEXT) / 4
    assert ("Content-Encoding" in plain.headers, packed.headers["Content-Encoding"]) == (False, "gzip")
    assert plain.headers["ETag"] != packed.headers["ETag"]
    for answer in (plain, packed):
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert answer.headers.items() >= {name.lower(): said for name, said in HEADERS.items()}.items()
        assert int(answer.headers["Content-Length"]) in (len(TEXT), len(content))


@pytest.mark.parametrize("accepted", ["", "gzip"])
@pytest.mark.parametrize("said", ["{}", "W/{}", '"another", {}', '"another",W/{} , "third"', "*"])
async def test_whoever_has_it_is_told_so_and_sent_nothing(
    client: httpx.AsyncClient, accepted: str, said: str
) -> None:
    first, _ = await raw(client, "/shown", Accept_Encoding=accepted)
    tag = first.headers["ETag"]
    again, content = await raw(client, "/shown", Accept_Encoding=accepted, If_None_Match=said.format(tag))
    assert (again.status_code, content) == (304, b"")
    for name in ("ETag", "Vary", "Cache-Control", "Content-Security-Policy"):
        assert again.headers[name] == first.headers[name]
    assert not {"content-encoding", "content-type", "content-length"} & again.headers.keys()


async def test_what_has_changed_or_is_of_the_other_form_is_sent(client: httpx.AsyncClient) -> None:
    plain, _ = await raw(client, "/shown")
    packed, _ = await raw(client, "/shown", Accept_Encoding="gzip")
    for accepted, other in (("gzip", plain.headers["ETag"]), ("", packed.headers["ETag"])):
        answer, content = await raw(client, "/shown", Accept_Encoding=accepted, If_None_Match=other)
        assert (answer.status_code, bool(content)) == (200, True)
    SHOWN["text"] = TEXT + b"And more."
    tags = f"{plain.headers['ETag']}, {packed.headers['ETag']}"
    changed, content = await raw(client, "/shown", If_None_Match=tags)
    assert (changed.status_code, content) == (200, SHOWN["text"])


async def test_what_is_no_text_or_would_not_shrink_is_answered_as_it_is(client: httpx.AsyncClient) -> None:
    SHOWN["text"] = b"a { }"
    for path, expected in (("/picture", PICTURE), ("/shown", b"a { }")):
        answer, content = await raw(client, path, Accept_Encoding="gzip")
        assert (answer.status_code, content) == (200, expected)
        assert not {"content-encoding", "vary"} & answer.headers.keys()
        again, _ = await raw(client, path, Accept_Encoding="gzip", If_None_Match=answer.headers["ETag"])
        assert again.status_code == 304


class Cache:
    """What a cache between may do (RFC 9111): it keeps each form under what was accepted, and asks with all tags."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def asks(self, client: httpx.AsyncClient, accepted: str) -> bytes:
        given = {"If_None_Match": ", ".join(self.kept)} if self.kept else {}
        answer, content = await raw(client, "/shown", Accept_Encoding=accepted, **given)
        tag = answer.headers["ETag"]
        if answer.status_code == 200:
            packed = answer.headers.get("Content-Encoding") == "gzip"
            self.kept[tag] = gzip.decompress(content) if packed else content
        return self.kept[tag]


@given(st.lists(st.tuples(st.sampled_from(["", "gzip", "gzip;q=0"]), st.binary(max_size=40)), max_size=8))
def test_whoever_keeps_answers_by_their_tags_always_shows_what_there_is(steps: list[tuple[str, bytes]]) -> None:
    async def play() -> None:
        cache = Cache()
        async with client_of() as client:
            for accepted, text in steps:
                SHOWN["text"] = text * 30
                assert await cache.asks(client, accepted) == SHOWN["text"]

    asyncio.run(play())
