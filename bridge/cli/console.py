"""Where commands write: plain text when nobody is at the terminal, colours when somebody is."""

import io
import os
import sys

import typer

__all__ = ["bold", "on_one_line", "prepare_streams", "report", "say", "shorten", "styled", "symbol", "warn"]


def prepare_streams() -> None:
    """Lets a terminal that knows few characters show a substitute, where Python would raise."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace" if stream is sys.stderr else "replace")


def say(line: str) -> None:
    """A line of what was asked for. Its colours are left out when it goes into a file or a pipe."""
    typer.echo(line)


def report(error: object) -> None:
    """One clear message on the error stream."""
    typer.echo(f"{styled('error:', 'red', bold=True)} {error}", err=True)


def warn(message: str) -> None:
    """Something that a person should know, but that stops nothing."""
    typer.echo(f"{styled('warning:', 'yellow')} {message}", err=True)


def styled(text: str, colour: str | None = None, *, bold: bool = False, dim: bool = False) -> str:
    """The text in a colour, for a terminal; as it is for who wants none (no-color.org)."""
    if os.environ.get("NO_COLOR"):
        return text
    return typer.style(text, fg=colour, bold=bold or None, dim=dim or None)


def bold(text: str) -> str:
    return styled(text, bold=True)


def symbol(drawn: str, plain: str) -> str:
    """`drawn` where the terminal can show it, else `plain`."""
    return drawn if (sys.stdout.encoding or "").lower().startswith("utf") else plain


def on_one_line(text: str) -> str:
    """Text of somebody else's, with whatever could move the cursor or colour the terminal written out."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def shorten(text: str, limit: int = 24) -> str:
    """A long hash or id with its middle left out, so that both ends can be compared."""
    if len(text) <= limit:
        return text
    tail = limit // 3
    return f"{text[: limit - tail - 1]}…{text[-tail:]}"
