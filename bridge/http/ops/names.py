"""What clients of the console call the webhooks that are kept."""

import re

__all__ = ["read_webhook_name", "stored_webhook_name"]

_NAME = re.compile(r"(?P<table>webhook|waiting)_(?P<number>[0-9]{1,18})")


def stored_webhook_name(webhook_id: int) -> str:
    """One that is kept because it made no sense."""
    return f"webhook_{webhook_id}"


def read_webhook_name(name: str) -> tuple[bool, int] | None:
    """Whether a name is of one that waits for its payment, and its number; None if it is nobody's."""
    match = _NAME.fullmatch(name)
    return None if match is None else (match["table"] == "waiting", int(match["number"]))
