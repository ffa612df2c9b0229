"""Asking a running bridge over HTTP, as long as it takes to answer."""

from typing import Any

import httpx

from tests.waiting import GIVE_UP_SECONDS

__all__ = ["async_client_of", "client_of", "get", "post", "request"]


# A connection that is kept may be closed by the bridge, for having been idle, just when it is used again.
# Not to read the authorities for TLS, of which loopback has none, saves thirty milliseconds each time.
PATIENT: dict[str, Any] = {
    "verify": False,
    "trust_env": False,
    "timeout": GIVE_UP_SECONDS,
    "limits": httpx.Limits(max_keepalive_connections=0),
}


def client_of(url: str = "", **options: Any) -> httpx.Client:
    return httpx.Client(base_url=url, **PATIENT | options)


def async_client_of(url: str, **options: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, **PATIENT | options)


def request(method: str, url: str, **parts: Any) -> httpx.Response:
    """Asks once, over a connection of its own."""
    with client_of() as client:
        return client.request(method, url, **parts)


def get(url: str, **parts: Any) -> httpx.Response:
    return request("GET", url, **parts)


def post(url: str, **parts: Any) -> httpx.Response:
    return request("POST", url, **parts)
