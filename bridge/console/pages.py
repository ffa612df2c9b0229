"""Serves the built pages: one document for every address that people open, and the files that it loads.

They are the bridge's own and load nothing of anybody else's, which the Content-Security-Policy holds them to; it must
never allow a script or a style that is not a file of the build.
"""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from litestar import MediaType, Request, Response, Router, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from bridge.console.branding import LOGO_TYPES, BrandSettings, brand_css
from bridge.static_answers import static_answer

__all__ = ["is_built", "pages_router"]

AnyRequest = Request[Any, Any, Any]

BUILD = Path(__file__).parent / "dist"
"""Where the build of the pages is."""
DOCUMENT = "index.html"

PAGES = (
    "/",
    "/pay/{payment_id:str}",
    "/checkout/{checkout_id:str}",
    "/sales",
    "/orders",
    "/ops",
    "/ops/{view:path}",
)

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

# A logo may be a document that runs scripts, where somebody opens it by itself.
BRAND_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}

MEDIA_TYPES = {
    ".css": "text/css",
    ".ico": "image/x-icon",
    ".js": "text/javascript",
    ".json": "application/json",
    ".map": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
"""What a build is made of; a file of any other kind is not served."""

TEXTS = frozenset({".css", ".js", ".json", ".map", ".svg", ".webmanifest"})
"""What takes a third of its bytes over the wire where a browser takes gzip."""

NOT_BUILT = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The pages are not built</title>
<h1>The pages are not built</h1>
<p>The bridge runs, and its REST API and its sockets are there. Its pages are built from their source by</p>
<pre>make pages</pre>
<p>which needs Node 20.19 or newer. Then load this page again; the bridge need not be restarted.</p>
</html>
"""


def is_built(build: Path = BUILD) -> bool:
    """Whether there are pages to serve."""
    return (build / DOCUMENT).is_file()


def pages_router(build: Path = BUILD, brand: Callable[[], BrandSettings] = BrandSettings) -> Router:
    """The addresses that people open, and what their pages load; `brand` says whose they look like."""

    @get(list(PAGES), media_type=MediaType.HTML, include_in_schema=False)
    async def get_page(request: AnyRequest) -> Response[bytes]:
        # Read anew each time, and asked for anew each time, so that a new build is seen at once.
        headers = {**HEADERS, "Cache-Control": "no-cache"}
        document = await asyncio.to_thread(_content, build, DOCUMENT)
        if document is None:
            return Response(NOT_BUILT.encode(), status_code=503, media_type=MediaType.HTML, headers=headers)
        return await static_answer(request, document, MediaType.HTML, headers)

    @get("/assets/{name:str}", include_in_schema=False)
    async def get_asset(name: FromPath[str], request: AnyRequest) -> Response[bytes]:
        kind = Path(name).suffix
        media_type = MEDIA_TYPES.get(kind)
        content = None if media_type is None else await asyncio.to_thread(_content, build / "assets", name)
        if content is None:
            raise NotFoundException(f"There is no file {name!r} of the pages; load the page again.")
        # Its name changes with what it holds, so nobody needs to ask for it twice.
        headers = {**HEADERS, "Cache-Control": "public, max-age=31536000, immutable"}
        return await static_answer(request, content, media_type, headers, is_text=kind in TEXTS)

    @get("/brand.css", media_type=MediaType.CSS, include_in_schema=False)
    async def get_colours(request: AnyRequest) -> Response[bytes]:
        return await static_answer(request, brand_css(brand()).encode(), MediaType.CSS, BRAND_HEADERS)

    @get("/brand.json", include_in_schema=False)
    async def get_brand(request: AnyRequest) -> Response[bytes]:
        said = {
            "name": brand().name,
            "logo": None if brand().logo_file is None else "/brand/logo",
            "shopUrl": brand().shop_url or None,
        }
        return await static_answer(request, json.dumps(said).encode(), MediaType.JSON, BRAND_HEADERS)

    @get("/brand/logo", include_in_schema=False)
    async def get_logo(request: AnyRequest) -> Response[bytes]:
        logo = brand().logo_file
        if logo is None:
            raise NotFoundException("There is no logo.")
        content = await asyncio.to_thread(logo.read_bytes)
        media_type, is_text = LOGO_TYPES[logo.suffix], logo.suffix in TEXTS
        return await static_answer(request, content, media_type, BRAND_HEADERS, is_text=is_text)

    return Router("/", route_handlers=[get_page, get_asset, get_colours, get_brand, get_logo])


def _content(folder: Path, name: str) -> bytes | None:
    """What a file holds that lies in a folder by just this name: whatever else a name may say, it leads nowhere."""
    known = {file.name: file for file in folder.iterdir()} if folder.is_dir() else {}
    return known[name].read_bytes() if name in known else None
