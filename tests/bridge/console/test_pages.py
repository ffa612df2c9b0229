"""The pages as a browser is given them: where they are, what they may load, and that nothing else is to be had."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar

from bridge.console.branding import BrandSettings
from bridge.console.pages import pages_router

ADDRESSES = ["/pay/pay_1", "/checkout/checkout-1", "/ops", "/ops/system", "/ops/payouts/out_1"]
SCRIPT = "document.title = 'Payouts';"


@pytest.fixture
def build(tmp_path: Path) -> Path:
    build = tmp_path / "dist"
    (build / "assets").mkdir(parents=True)
    (build / "index.html").write_text("<!doctype html><title>Pages</title>")
    (build / "assets" / "index-4f2a.js").write_text(SCRIPT)
    (build / "assets" / "notes.txt").write_text("of no kind that pages are made of")
    (tmp_path / "secret.js").write_text("not of the build")
    return build


@pytest.fixture
async def client(build: Path) -> AsyncIterator[httpx.AsyncClient]:
    application: Any = Litestar([pages_router(build)], logging_config=None)
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(verify=False, transport=transport, base_url="http://bridge.example") as client:
        yield client


@pytest.mark.parametrize("address", ADDRESSES)
async def test_every_address_that_people_open_is_the_page(client: httpx.AsyncClient, address: str) -> None:
    answer = await client.get(address)
    assert (answer.status_code, answer.text) == (200, "<!doctype html><title>Pages</title>")
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("address", [*ADDRESSES, "/assets/index-4f2a.js"])
async def test_pages_may_load_only_what_the_bridge_serves(client: httpx.AsyncClient, address: str) -> None:
    headers = (await client.get(address)).headers
    directives = [directive.split() for directive in headers["content-security-policy"].split(";")]
    policy = {name: sources for name, *sources in directives}
    assert policy["default-src"] == ["'none'"]
    assert {source for sources in policy.values() for source in sources} == {"'none'", "'self'", "data:"}
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == ["'self'"]
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == ["'none'"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


async def test_files_of_the_build_are_kept_by_browsers_for_good(client: httpx.AsyncClient) -> None:
    answer = await client.get("/assets/index-4f2a.js")
    assert (answer.status_code, answer.text) == (200, SCRIPT)
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br", "gzip"),
        ("br;q=1.0, gzip;q=0.8", "gzip"),
        ("gzip;q=0, br", None),
        ("gzip; q=0.0", None),
        ("identity", None),
        ("", None),
    ],
)
async def test_files_of_the_build_are_compressed_for_whoever_takes_that(
    client: httpx.AsyncClient, build: Path, accepted: str, encoding: str | None
) -> None:
    (build / "assets" / "index-4f2a.js").write_text(SCRIPT * 100)
    answer = await client.get("/assets/index-4f2a.js", headers={"Accept-Encoding": accepted})
    assert (answer.headers.get("content-encoding"), answer.text) == (encoding, SCRIPT * 100)
    assert answer.headers["vary"] == "Accept-Encoding"
    assert (int(answer.headers["content-length"]) < len(SCRIPT) * 100) == (encoding == "gzip")


@pytest.mark.parametrize("address", ["/ops", "/assets/index-4f2a.js", "/brand.css", "/brand.json", "/brand/logo"])
async def test_what_a_browser_has_is_not_sent_again(build: Path, address: str) -> None:
    logo = build / "logo.svg"
    logo.write_text("<svg xmlns='http://www.w3.org/2000/svg'></svg>")
    brand = BrandSettings(name="The Bicycle Shop", logo_file=logo, accent="#7a1f4d")
    application: Any = Litestar([pages_router(build, lambda: brand)], logging_config=None)
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(verify=False, transport=transport, base_url="http://bridge.example") as client:
        first = (await client.get(address)).raise_for_status()
        again = await client.get(address, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        for name in ("etag", "cache-control", "content-security-policy"):
            assert again.headers[name] == first.headers[name]
        changed = await client.get(address, headers={"If-None-Match": '"of-the-build-before"'})
        assert (changed.status_code, changed.content) == (200, first.content)


@pytest.mark.parametrize(
    "name",
    [
        "gone.js",
        "notes.txt",
        "..%2Findex.html",
        "..%2F..%2Fsecret.js",
        "%2e%2e/secret.js",
        "%2e%2e",
        ".",
        "",
        "x%00.js",
    ],
)
async def test_nothing_but_files_of_the_build_is_served(client: httpx.AsyncClient, name: str) -> None:
    assert (await client.get(f"/assets/{name}")).status_code in (404, 405)


async def test_without_a_build_the_page_says_how_to_make_one(client: httpx.AsyncClient, build: Path) -> None:
    shutil.rmtree(build)
    for address in ADDRESSES:
        answer = await client.get(address)
        assert (answer.status_code, "make pages" in answer.text) == (503, True)
        assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert (await client.get("/assets/index-4f2a.js")).status_code == 404
