"""Which addresses people are sent to, and which look like one of those and are not."""

import pytest

from coordinator.web_addresses import web_address


@pytest.mark.parametrize(
    "address",
    [
        "https://shop.example",
        "http://127.0.0.1:3000/orders/7?from=pay#top",
        "HTTPS://SHOP.EXAMPLE/",
        "https://shop.example:8443/%20",
        "https://bücher.example/ü",
    ],
)
def test_an_address_of_the_web_stays_as_it_is(address: str) -> None:
    assert web_address(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "shop.example",
        "//shop.example",
        "/orders/7",
        "https:",
        "https://",
        "https:///orders",
        "https:shop.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://shop.example",
        "https://user@shop.example",
        "https://shop.example:secret@evil.example",
        "https://@shop.example",
        "https://evil.example\\@shop.example",
        "https://shop.example/a b",
        " https://shop.example",
        "https://shop.example\n",
        "java\tscript:alert(1)",
        "https://shop.example/\x00",
        "https://[::1",
        "https://shop.example:99999",
        "https://shop.example:0",
        "https://shop.example/\ud800",
    ],
)
def test_anything_else_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="web address"):
        web_address(address)
