"""JSON in as few characters as possible, and fast."""

import json

from pydantic_core import to_json

__all__ = ["compact_json"]


def compact_json(content: object) -> str:
    """Raises TypeError and ValueError for what is no JSON."""
    try:
        return to_json(content).decode()
    except ValueError:  # halves of characters, which JSON can say and UTF-8 cannot; or what is no JSON at all
        return json.dumps(content, separators=(",", ":"))
