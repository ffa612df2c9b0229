"""Texts of strangers, on one line. Pure."""

import re

from coordinator.ids import UNSEEN

__all__ = ["one_line"]

LIMIT_CHARACTERS = 1_000
_UNSEEN = re.compile(f"[{UNSEEN}\ud800-\udfff]")


def one_line(text: str) -> str:
    """A text with everything written out that could end a line, hide or turn what stands around it, and as much of it
    as anybody reads."""
    shown = _UNSEEN.sub(lambda found: f"\\u{ord(found.group()):04x}", text)
    return shown if len(shown) <= LIMIT_CHARACTERS else f"{shown[: LIMIT_CHARACTERS - 1]}…"
