"""Which web origins may connect, read from FRONTEND_URL. Must never end up allowing more than what was named."""

from urllib.parse import urlsplit

from bridge.sockets.errors import FrontendUrlError

__all__ = ["allowed_origins"]

_DEFAULT_PORTS = {"http": 80, "https": 443}


def allowed_origins(frontend_url: str) -> list[str]:
    """The origins of one URL or of several, separated by commas, spelled as browsers spell them.

    Raises FrontendUrlError when there is none: an empty list would switch the library's check off. A `*` is
    refused too, since with credentials it would let every site act in the name of its visitors.
    """
    origins = [_origin(part.strip()) for part in frontend_url.split(",") if part.strip()]
    if not origins:
        raise FrontendUrlError("FRONTEND_URL is empty: name the web page's URL, such as https://shop.example")
    return list(dict.fromkeys(origins))


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme, parts.hostname, parts.port
    except ValueError:
        scheme, host, port = "", None, None
    if scheme not in _DEFAULT_PORTS or not host or "*" in host:
        shown = "what is no address of a page" if "@" in url else repr(url)  # before an @ a password may stand
        raise FrontendUrlError(f"FRONTEND_URL holds {shown}: expected a URL such as https://shop.example")
    name = f"[{host}]" if ":" in host else host
    return f"{scheme}://{name}" if port in (None, _DEFAULT_PORTS[scheme]) else f"{scheme}://{name}:{port}"
