"""The authorities' certificates, which HTTPS to any provider is checked against: read once, since that takes as long
as ten questions."""

import functools
import ssl

import httpx

__all__ = ["certificates"]


@functools.cache
def certificates() -> ssl.SSLContext:
    """Those that httpx trusts, or that the environment names."""
    return httpx.create_ssl_context()
