"""Notes: why somebody did something, one line for whoever reads the record."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

__all__ = ["Note"]

# As of an id: no control characters anywhere, and something besides blanks.
_TEXT, _VISIBLE = r"[^\x00-\x1f\x7f-\x9f]", r"[^\x00-\x20\x7f-\xa0]"

_FILLERS = "\u115f\u1160\u3164\uffa0"
"""Letters that are drawn as nothing."""

_PATTERN = rf"^{_TEXT}*{_VISIBLE}{_TEXT}*$"


def _one_line(text: str) -> str:
    if not re.fullmatch(_PATTERN, text):
        raise ValueError("expected one line of text, with no line breaks or other control characters in it")
    # What is invisible is more than a pattern can list.
    if not any(character.isalnum() and character not in _FILLERS for character in text):
        raise ValueError("expected at least one letter or digit")
    return text


Note = Annotated[
    str, AfterValidator(_one_line), Field(min_length=1, max_length=500, json_schema_extra={"pattern": _PATTERN})
]
