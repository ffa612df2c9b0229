"""The authorities' certificates that the clients check the bridge's against: read once, since that takes longer than
a call does."""

import functools
import ssl

import httpx

__all__ = ["certificates"]


@functools.cache
def certificates() -> ssl.SSLContext:
    """Those that httpx trusts, or that the environment names."""
    return httpx.create_ssl_context()
