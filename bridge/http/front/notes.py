"""Notes: why somebody did something, one line for whoever reads the record."""

from typing import Annotated

from pydantic import StringConstraints

__all__ = ["Note"]

# As of an id: no control characters anywhere, and something besides blanks.
_TEXT, _VISIBLE = r"[^\x00-\x1f\x7f-\x9f]", r"[^\x00-\x20\x7f-\xa0]"

Note = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=rf"^{_TEXT}*{_VISIBLE}{_TEXT}*$")]
