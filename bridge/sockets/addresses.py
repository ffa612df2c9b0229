"""Addresses, however they are written: one address is one. No I/O.

IPv4 is written within IPv6 by whoever listens for both; and NAT64 (RFC 6052), 6to4 (RFC 3056) and Teredo (RFC 4380)
carry one that it belongs to. Taken as they are, all of IPv4 would be one network of IPv6, or one client thousands.
"""

import ipaddress
from functools import lru_cache

__all__ = ["COUNTED_AS", "Address", "Network", "address_in", "ipv4_network_within", "network_of"]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

COUNTED_AS = "bridge.counted_as"
"""In the scope of a request, if its client's address is not known: the name that it counts under."""

# Whoever comes from another loopback address has chosen to, as a sidecar does that brings others' connections.
THIS_MACHINE = {ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")}
# An IPv6 client has such a network to itself, and could come from each of its addresses.
IPV6_NETWORK_BITS = 64
# The longest that an address is, with a zone.
LONGEST_CHARACTERS = 64

_MAPPED, _NAT64 = ipaddress.IPv6Network("::ffff:0:0/96"), ipaddress.IPv6Network("64:ff9b::/96")
_6TO4, _TEREDO = ipaddress.IPv6Network("2002::/16"), ipaddress.IPv6Network("2001::/32")
_ALL_OF_IPV4 = ipaddress.IPv4Network("0.0.0.0/0")


def address_in(text: str) -> Address | None:
    """The address that a text is, as IPv4 if it is that; None if it is none."""
    if len(text) > LONGEST_CHARACTERS:
        return None
    try:
        parsed = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return parsed if mapped is None else mapped


@lru_cache(maxsize=4_096)
def network_of(text: str) -> str | None:
    """Who an address stands for: itself, or its IPv6 network; None for this machine, and for what is no address."""
    address = address_in(text)
    if address is None or address in THIS_MACHINE:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    within = ipv4_network_within(ipaddress.IPv6Network(address))
    if within is not None:
        return str(within.network_address)
    return str(ipaddress.IPv6Network((address, IPV6_NETWORK_BITS), strict=False))


def ipv4_network_within(network: ipaddress.IPv6Network) -> ipaddress.IPv4Network | None:
    """The addresses of IPv4 that those of a network carry, or belong to; None if it is one of IPv6 alone."""
    first, length = int(network.network_address), network.prefixlen
    if network.subnet_of(_MAPPED) or network.subnet_of(_NAT64):
        return ipaddress.IPv4Network((first & 0xFFFF_FFFF, length - 96))
    if network.subnet_of(_6TO4):
        return ipaddress.IPv4Network((first >> 80 & 0xFFFF_FFFF, min(length - 16, 32)))
    if network.subnet_of(_TEREDO):
        # The client's comes last, with all its bits turned.
        return _ALL_OF_IPV4 if length < 128 else ipaddress.IPv4Network(~first & 0xFFFF_FFFF)
    return None
