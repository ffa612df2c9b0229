"""Trusted proxies: the addresses and networks whose word it is believed for whom a request comes. No I/O.

Whoever may say that can be anybody: past every bound of one address, and with a name of their choice in the log.
"""

import ipaddress
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TypeVar

from bridge.sockets.addresses import Network, address_in, ipv4_network_within

__all__ = ["require_narrow", "trusts"]

AnyNetwork = TypeVar("AnyNetwork", ipaddress.IPv4Network, ipaddress.IPv6Network)

# No proxy and no content network has so many addresses; whoever names as many has named everybody.
IPV4_LIMIT, IPV6_LIMIT = 1 << 24, 1 << 96
# What nobody has on the internet.
PRIVATE: Sequence[Network] = [
    ipaddress.ip_network(name)
    for name in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8"),
        *("fc00::/7", "fe80::/10", "::1/128"),
    )
]


def trusts(names: str) -> Callable[[str], bool]:
    """Whether an address, however it is written, is that of a proxy that is named. Raises ValueError."""
    networks = [_as_listened_for(one) for one in _named(names)]

    @lru_cache(maxsize=4_096)
    def is_trusted(text: str) -> bool:
        address = address_in(text)
        return address is not None and any(address in network for network in networks)

    return is_trusted


def _named(names: str) -> list[Network]:
    """The networks that are named, separated by commas. Raises ValueError, which says what to write."""
    return [_network(name) for name in map(str.strip, names.split(",")) if name]


def _network(name: str) -> Network:
    try:
        return ipaddress.ip_network(name)
    except ValueError:
        pass
    try:
        meant = ipaddress.ip_network(name, strict=False)
    except ValueError:
        raise ValueError(
            f"{name} is no address and no network; name the proxies by theirs, such as 10.0.0.7 or 10.0.0.0/24"
        ) from None
    raise ValueError(f"{name} is no network; write {meant}, or one address without the slash")


def require_narrow(names: str) -> str:
    """Returns the names. Raises ValueError where they cannot be read, or cover so much of the internet that anybody
    could say who they are."""
    networks = [_reach_of(one) for one in _named(names)]
    public = [one for one in networks if not any(_is_within(one, private) for private in PRIVATE)]
    _require_few([one for one in public if isinstance(one, ipaddress.IPv4Network)], IPV4_LIMIT)
    _require_few([one for one in public if isinstance(one, ipaddress.IPv6Network)], IPV6_LIMIT)
    return names


def _require_few(public: Sequence[AnyNetwork], limit: int) -> None:
    if sum(one.num_addresses for one in ipaddress.collapse_addresses(public)) > limit:
        raise ValueError(
            f"{', '.join(map(str, public))} would let anybody on the internet say who they are; name your proxies"
            " alone, by their addresses or by the network that they are in, such as 10.0.0.0/8"
        )


def _reach_of(network: Network) -> Network:
    """Whom it holds: IPv4 that is carried within IPv6 is IPv4."""
    inner = ipv4_network_within(network) if isinstance(network, ipaddress.IPv6Network) else None
    return network if inner is None else inner


def _as_listened_for(network: Network) -> Network:
    """IPv4 that is written within IPv6 as IPv4. What NAT64 and its like carry is somebody else's."""
    is_mapped = getattr(network.network_address, "ipv4_mapped", None) is not None
    return _reach_of(network) if is_mapped else network


def _is_within(one: Network, other: Network) -> bool:
    if isinstance(one, ipaddress.IPv4Network):
        return isinstance(other, ipaddress.IPv4Network) and one.subnet_of(other)
    return isinstance(other, ipaddress.IPv6Network) and one.subnet_of(other)
