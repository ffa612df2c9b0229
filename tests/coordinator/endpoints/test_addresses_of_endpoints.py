"""Where endpoints may be: what all of the internet can reach, and what the operator allows."""

from ipaddress import ip_address, ip_network

import pytest

from coordinator.endpoints.addresses import is_reachable, require_url

ALLOWED = (ip_network("10.1.0.0/16"),)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34"])
def test_what_the_internet_reaches_is_sent_to_over_tls_alone(address: str) -> None:
    assert is_reachable(ip_address(address), (), is_encrypted=True)
    assert not is_reachable(ip_address(address), (), is_encrypted=False)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.2.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *("224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fd00::1", "ff02::1", "::ffff:127.0.0.1"),
        *("fec0::1", "5f00::1", "3fff::1", "4000::1", "8000::1", "100:0:0:1::1", "2001:db8::1", "2001:2::1"),
        *("192.0.0.192", "192.0.0.8", "168.63.129.16"),
        # What somebody on the way makes another address of.
        *("::ffff:0:7f00:1", "::ffff:0:a9fe:a9fe", "64:ff9b:0:0:1::1"),
        *("64:ff9b::7f00:1", "2002:7f00:1::1", "::7f00:1", "2001:0:4136:e378:8000:63bf:3fff:fdd2"),
    ],
)
def test_what_lies_inside_of_a_network_is_not(address: str) -> None:
    assert not is_reachable(ip_address(address), ALLOWED, is_encrypted=True)


def test_what_the_operator_allows_is_sent_to_also_in_plain_text() -> None:
    for address in ("10.1.2.3", "::ffff:10.1.2.3"):
        assert is_reachable(ip_address(address), ALLOWED, is_encrypted=False)


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://shop.example/", "https://", "https:///hook", "shop.example/hook", "https://shop.example:99999/"),
        *("https://user:pass@shop.example/", "https://shop.example/#part", "https://shop.example/a b"),
        *("http://shop.example/", "https://127.0.0.1/", "https://[::1]/hook", "https://sh\xf6p.example/"),
        "https://shop.example/" + "x" * 2_000,
    ],
)
def test_what_no_endpoint_can_have_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match=r"expected|no address"):
        require_url(url, ())


@pytest.mark.parametrize(
    ("url", "allowed"),
    [("https://shop.example:8443/hook?a=b", ()), ("https://93.184.216.34/", ()), ("http://10.1.2.3/", ALLOWED)],
)
def test_others_are_taken_as_they_are(url: str, allowed: tuple[()]) -> None:
    assert require_url(url, allowed) == url


@pytest.mark.parametrize("url", ["http://127.0.0.1:3000/hook", "http://localhost:3000/hook", "https://127.0.0.1/"])
def test_whoever_names_their_own_machine_is_told_the_setting_that_allows_it(url: str) -> None:
    with pytest.raises(ValueError, match=r"set BRIDGE_ENDPOINT_NETWORKS=127\.0\.0\.1 and restart the bridge"):
        require_url(url, ())
