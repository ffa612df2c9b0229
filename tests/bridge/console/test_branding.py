"""Whose pages they look like: what is configured is served, and what could not be read, or run, is not."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar
from pydantic import ValidationError

from bridge.console.branding import LOGO_LIMIT_BYTES, BrandSettings
from bridge.console.pages import pages_router

LOGO = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.fixture
def logo(tmp_path: Path) -> Path:
    path = tmp_path / "logo.svg"
    path.write_bytes(LOGO)
    return path


@pytest.fixture
async def client(logo: Path) -> AsyncIterator[httpx.AsyncClient]:
    brand = BrandSettings(
        name="The Bicycle Shop",
        logo_file=logo,
        accent="#7a1f4d",
        accent_dark="#f2a7c8",
        shop_url="https://shop.example",
    )
    application: Any = Litestar([pages_router(brand=lambda: brand)], logging_config=None)
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(verify=False, transport=transport, base_url="http://bridge.example") as client:
        yield client


async def test_a_name_a_logo_and_colours_are_served(client: httpx.AsyncClient) -> None:
    assert (await client.get("/brand.json")).json() == {
        "name": "The Bicycle Shop",
        "logo": "/brand/logo",
        "shopUrl": "https://shop.example",
    }
    colours = await client.get("/brand.css")
    assert colours.headers["content-type"].startswith("text/css")
    light, dark = colours.text.split("@media (prefers-color-scheme: dark)")
    assert "--accent: #7a1f4d" in light
    assert "--accent: #f2a7c8" in dark
    logo = await client.get("/brand/logo")
    assert (logo.content, logo.headers["content-type"]) == (LOGO, "image/svg+xml")
    # Whoever opens it by itself runs nothing.
    assert "default-src 'none'" in logo.headers["content-security-policy"]
    assert "sandbox" in logo.headers["content-security-policy"]


async def test_without_a_brand_the_pages_are_as_ever() -> None:
    application: Any = Litestar([pages_router()], logging_config=None)
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(verify=False, transport=transport, base_url="http://bridge.example") as client:
        assert (await client.get("/brand.json")).json() == {"name": "", "logo": None, "shopUrl": None}
        assert (await client.get("/brand.css")).text == ""
        assert (await client.get("/brand/logo")).status_code == 404


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"shop_url": "javascript:alert(1)"}, "expected a web address"),
        ({"shop_url": "https://shop.example@other.example"}, "expected a web address"),
        ({"shop_url": "https://shop.example\\@other.example/"}, "expected a web address"),
        ({"accent": "#ffdd00"}, "words in #ffdd00 could not be read"),
        ({"accent_dark": "#0b6663"}, "words in #0b6663 could not be read"),
        ({"accent": "red"}, "expected a colour such as"),
        ({"accent": "#0b6663;} body {display:none"}, "expected a colour such as"),
        ({"name": "x" * 61}, "at most 60"),
        ({"logo_file": "/nowhere.svg"}, "expected a file that is there"),
    ],
)
def test_what_nobody_could_read_is_refused(fields: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        BrandSettings(**fields)


def test_a_logo_is_small_and_of_a_known_kind(tmp_path: Path) -> None:
    large, other = tmp_path / "large.png", tmp_path / "logo.html"
    large.write_bytes(b"x" * (LOGO_LIMIT_BYTES + 1))
    other.write_text("<script>")
    for path in (large, other):
        with pytest.raises(ValidationError):
            BrandSettings(logo_file=path)
