"""Web addresses that people are sent to: those of the web alone, and such as every browser reads the same way."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, StringConstraints, WithJsonSchema

__all__ = ["WebAddress", "web_address"]

LIMIT_CHARACTERS = 2_000
# Browsers drop blanks, turn backslashes into slashes, and say nothing of it.
_MISREAD = re.compile(r"[\x00-\x20\x7f-\xa0\\]|[\ud800-\udfff]")


def web_address(value: str) -> str:
    """An address of the web. Raises ValueError for anything else, and for what could look like another one."""
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or _MISREAD.search(value):
        raise ValueError("expected a web address such as https://shop.example/orders/7")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a web address without a user and a password: people take those for the host")
    return value


WebAddress = Annotated[
    str,
    StringConstraints(max_length=LIMIT_CHARACTERS),
    AfterValidator(web_address),
    WithJsonSchema({"type": "string", "format": "uri", "pattern": "^https?://", "maxLength": LIMIT_CHARACTERS}),
]
