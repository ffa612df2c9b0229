"""Addresses that endpoints may have. Whoever registers one says where the bridge connects to, which stands inside of
somebody's network: only what all of the internet can reach is connected to, and what the operator allows. Pure."""

from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

__all__ = ["URL_LIMIT_CHARACTERS", "Networks", "is_reachable", "require_url"]

Address = IPv4Address | IPv6Address
Networks = Collection[IPv4Network | IPv6Network]

URL_LIMIT_CHARACTERS = 2_000
# Gateways between IPv6 and IPv4 (RFC 6052): what follows is an address of IPv4, of whatever network.
_NAT64 = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))
_COMPATIBLE = ip_network("::/96")
# Of IPv6 this alone is given to anybody (RFC 4291), but for these: protocols' own, documentation (RFC 9637).
_GIVEN = ip_network("2000::/3")
_NOT_GIVEN = (ip_network("2001::/23"), ip_network("2001:db8::/32"), ip_network("3fff::/20"))
# Of protocols (RFC 6890), and what the machines of one cloud alone reach, at an address that looks like any other.
_INSIDE = (ip_network("192.0.0.0/24"), ip_network("168.63.129.16/32"))


def is_reachable(address: Address, allowed: Networks, *, is_encrypted: bool) -> bool:
    """Whether a connection to an address may be made; in plain text only to where the operator allows it."""
    meant = _meant(address)
    if any(meant in network for network in allowed):
        return True
    is_public = meant.is_global and not meant.is_multicast and _is_given(meant)
    return is_encrypted and is_public and not _embeds(meant)


def _is_given(address: Address) -> bool:
    """Whether an address is one of those that are given to anybody on the internet."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _INSIDE)
    return address in _GIVEN and not any(address in network for network in _NOT_GIVEN)


def _meant(address: Address) -> Address:
    """What an address of IPv4 leads to that is written as one of IPv6."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _embeds(address: Address) -> bool:
    """Whether an address names another, which somebody on the way makes of it."""
    if isinstance(address, IPv4Address):
        return False
    tunnelled = address.sixtofour is not None or address.teredo is not None
    return tunnelled or any(address in network for network in (*_NAT64, _COMPATIBLE))


def require_url(url: str, allowed: Networks) -> str:
    """Returns a URL that an endpoint can have, as far as that can be seen without asking for its name. Raises
    ValueError."""
    if not url.isascii() or not url.isprintable() or " " in url or len(url) > URL_LIMIT_CHARACTERS:
        raise ValueError(f"expected a URL of at most {URL_LIMIT_CHARACTERS} ASCII characters without blanks")
    parts = urlsplit(url)
    try:
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if parts.scheme not in ("https", "http") or not host:
        raise ValueError("expected a URL that begins with https:// and names a host")
    if "@" in parts.netloc or parts.fragment:
        raise ValueError("expected a URL without a user, a password and a fragment; the signature says who sends")
    if parts.scheme == "http" and not allowed:
        raise ValueError(f"expected https://; {_how_to_allow(host)}")
    try:
        address = ip_address(host)
    except ValueError:
        return url
    if not is_reachable(address, allowed, is_encrypted=parts.scheme == "https"):
        raise ValueError(f"{host} is no address that is sent to; {_how_to_allow(host)}")
    return url


def _how_to_allow(host: str) -> str:
    """What whoever runs the bridge does, for a host inside of a network."""
    try:
        network = str(ip_address(host))
    except ValueError:
        network = "127.0.0.1" if host == "localhost" else "NETWORK"
    return f"to send into a network of your own, set BRIDGE_ENDPOINT_NETWORKS={network} and restart the bridge"
