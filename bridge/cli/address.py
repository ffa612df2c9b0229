"""Addresses: the URLs that commands are given, and the one that the bridge listens on."""

import errno
import os
import socket
from urllib.parse import urlsplit

import typer

from coordinator.errors import BridgeError

__all__ = ["DEFAULT_URL", "TOKEN_VARIABLE", "AddressError", "bridge_url", "open_listener", "url_of"]

DEFAULT_URL = "http://127.0.0.1:8000"
TOKEN_VARIABLE = "BRIDGE_TOKEN"  # noqa: S105 (its name, not a token)
"""The environment variable for the token that a command brings to a bridge."""

# What a number of the operating system means here, where the remedy is another port.
_PORT_IS_WRONG = (errno.EADDRINUSE, errno.EACCES)


class AddressError(BridgeError):
    """The bridge cannot listen where it was told to."""


def bridge_url(text: str) -> str:
    """The check of every `--url`: http or https, with a host, and a port that is one."""
    try:
        parts = urlsplit(text)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable:
        raise typer.BadParameter(f"write a URL such as {DEFAULT_URL}")
    return text


def url_of(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def open_listener(host: str, port: int, backlog: int | None = None) -> socket.socket:
    """A socket that listens there. Raises AddressError, saying why it cannot and what to do."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=backlog)
    except OSError as error:
        # The text of other errors than those of names repeats the address, at length.
        is_about_name = isinstance(error, socket.gaierror)
        reason = error.strerror if is_about_name else os.strerror(error.errno or 0)
        if error.errno in _PORT_IS_WRONG and not is_about_name:
            remedy = "is another bridge running? Stop it, or set BRIDGE_PORT to a free port"
        else:
            remedy = "set BRIDGE_HOST to an address of this machine"
        raise AddressError(f"cannot listen on {host}:{port}: {reason}; {remedy}") from None
