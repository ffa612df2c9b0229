"""Addresses: the URLs that commands are given, and the one that the bridge listens on."""

import errno
import ipaddress
import os
import socket
from urllib.parse import urlsplit

import typer

from coordinator.errors import BridgeError

__all__ = [
    "DEFAULT_URL",
    "AddressError",
    "bridge_url",
    "open_free_listener",
    "open_listener",
    "reachable_url",
    "url_of",
]

DEFAULT_URL = "http://127.0.0.1:8000"

# How far to look for a port that nobody has, near the one that was wanted, before any is taken.
PORTS_TRIED = 20
# What a number of the operating system means here, where the remedy is another port.
_PORT_IS_WRONG = (errno.EADDRINUSE, errno.EACCES)


class AddressError(BridgeError):
    """The bridge cannot listen where it was told to."""


def bridge_url(text: str | None) -> str | None:
    """The check of every `--url` that is given: http or https, with a host, and a port that is one."""
    if text is None:
        return None
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


def reachable_url(host: str, port: int) -> str:
    """Where whoever is on this machine reaches what listens there: who listens on every address does on loopback."""
    try:
        is_every = ipaddress.ip_address(host).is_unspecified
    except ValueError:
        is_every = False
    loopback = "::1" if ":" in host else "127.0.0.1"
    return url_of(loopback if is_every else host, port)


def open_listener(
    host: str,
    port: int,
    backlog: int | None = None,
    *,
    elsewhere: str = "start this one on a free port: with --port {port}, or BRIDGE_PORT={port} in the environment",
    host_variable: str = "BRIDGE_HOST",
) -> socket.socket:
    """A socket that listens there. Raises AddressError, saying why it cannot and what to do: if the port is taken,
    `elsewhere`, with a free one; if the host is none of this machine, set that variable."""
    try:
        return _listen(host, port, backlog)
    except OSError as error:
        # The text of other errors than those of names repeats the address, at length.
        reason = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        if _is_port_wrong(error):
            with open_free_listener(host, port) as free:
                remedy = f"is another bridge running? Stop it, or {elsewhere.format(port=free.getsockname()[1])}"
        else:
            remedy = f"set {host_variable} to an address of this machine"
        raise AddressError(f"cannot listen on {host}:{port}: {reason}; {remedy}") from None


def open_free_listener(host: str, port: int) -> socket.socket:
    """A socket that listens on the port or, if somebody has it, on the next one that is free."""
    for candidate in range(port, min(port + PORTS_TRIED, 65536)):
        try:
            return _listen(host, candidate)
        except OSError as error:
            if not _is_port_wrong(error):
                raise
    return _listen(host, 0)


def _listen(host: str, port: int, backlog: int | None = None) -> socket.socket:
    return socket.create_server(
        (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=backlog
    )


def _is_port_wrong(error: OSError) -> bool:
    return error.errno in _PORT_IS_WRONG and not isinstance(error, socket.gaierror)
