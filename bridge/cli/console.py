"""Where commands write: plain text when nobody is at the terminal, colours when somebody is."""

import io
import sys

from rich.console import Console
from rich.text import Text

__all__ = ["errors", "on_one_line", "output", "prepare_streams", "report", "shorten", "symbol", "warn"]

output = Console(highlight=False, soft_wrap=True)
errors = Console(highlight=False, soft_wrap=True, stderr=True)


def prepare_streams() -> None:
    """Lets a terminal that knows few characters show a substitute, where Python would raise."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace" if stream is sys.stderr else "replace")


def report(error: object) -> None:
    """One clear message on the error stream."""
    errors.print(Text.assemble(("error: ", "bold red"), str(error)))


def warn(message: str) -> None:
    """Something that a person should know, but that stops nothing."""
    errors.print(Text.assemble(("warning: ", "yellow"), message))


def symbol(drawn: str, plain: str) -> str:
    """`drawn` where the terminal can show it, else `plain`."""
    return drawn if output.encoding.lower().startswith("utf") else plain


def on_one_line(text: str) -> str:
    """Text of somebody else's, with whatever could move the cursor or colour the terminal written out."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def shorten(text: str, limit: int = 24) -> str:
    """A long hash or id with its middle left out, so that both ends can be compared."""
    if len(text) <= limit:
        return text
    tail = limit // 3
    return f"{text[: limit - tail - 1]}…{text[-tail:]}"
