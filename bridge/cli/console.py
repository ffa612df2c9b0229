"""Where commands write: plain text when nobody is at the terminal, colours when somebody is."""

from rich.console import Console
from rich.text import Text

__all__ = ["errors", "output", "report", "shorten"]

output = Console(highlight=False, soft_wrap=True)
errors = Console(highlight=False, soft_wrap=True, stderr=True)


def report(error: object) -> None:
    """One clear message on the error stream."""
    errors.print(Text.assemble(("error: ", "bold red"), str(error)))


def shorten(text: str, limit: int = 24) -> str:
    """A long hash or id with its middle left out, so that both ends can be compared."""
    if len(text) <= limit:
        return text
    tail = limit // 3
    return f"{text[: limit - tail - 1]}…{text[-tail:]}"
