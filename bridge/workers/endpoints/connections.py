"""Connections to endpoints: to addresses that may be sent to, and to nothing else, whatever their names lead to.

A name is looked up once, and what was looked at is connected to: who owns a name can have it lead elsewhere by the
next moment. Proxies of the environment are not gone through, since they would look it up anew.
"""

from collections.abc import Iterable

import httpcore
import httpx

from bridge.workers.endpoints.names import NameLookUps
from coordinator.endpoints.addresses import Networks, is_reachable
from providers.answers import NotReachedError, neighbour

__all__ = ["AddressRefusedError", "connections_to_endpoints"]

# One that does not answer must not use up the time of the next.
TRIED_ADDRESSES = 3


class AddressRefusedError(NotReachedError):
    """A name leads to no address that may be sent to."""


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Connects to addresses that may be sent to."""

    def __init__(
        self, backend: httpcore.AsyncNetworkBackend, names: NameLookUps, allowed: Networks, *, is_encrypted: bool
    ) -> None:
        self._backend = backend
        self._names = names
        self._allowed = allowed
        self._is_encrypted = is_encrypted

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (httpcore's name)
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        found = await self._names.addresses(host)
        allowed = [one for one in found if is_reachable(one, self._allowed, is_encrypted=self._is_encrypted)]
        if not allowed:
            raise AddressRefusedError(
                "it leads to no address that is sent to; endpoint_networks names others that are"
            )
        failed: Exception | None = None
        for address in allowed[:TRIED_ADDRESSES]:
            try:
                return await self._backend.connect_tcp(str(address), port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed or AddressRefusedError("it has no address")

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)


def connections_to_endpoints(names: NameLookUps, allowed: Networks, *, is_encrypted: bool) -> httpx.AsyncClient:
    """The connections to all endpoints. Few are kept: most endpoints are sent to seldom."""
    return neighbour(
        through_proxies=False,
        connects=lambda backend: GuardedBackend(backend, names, allowed, is_encrypted=is_encrypted),
        keepalive_connections=32,
    )
