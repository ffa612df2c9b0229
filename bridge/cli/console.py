"""Where commands write: plain text when nobody is at the terminal, colours when somebody is."""

import io
import json
import logging
import os
import sys

import typer

__all__ = [
    "as_said",
    "bold",
    "complain_in_json",
    "note",
    "on_one_line",
    "prepare_streams",
    "report",
    "say",
    "shorten",
    "speak_by",
    "styled",
    "symbol",
    "warn",
]


def prepare_streams() -> None:
    """Lets a terminal that knows few characters show a substitute, where Python would raise."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace" if stream is sys.stderr else "replace")


class _Speech:
    """How it is said: in words for a person or, by a formatter of log lines, as what is logged."""

    formatter: logging.Formatter | None = None
    complains_in_json = False

    def of(self, level: int, plain: str, message: str) -> str:
        if self.formatter is None:
            return plain
        return self.formatter.format(logging.LogRecord("bridge", level, "", 0, message, None, None))


_SPEECH = _Speech()


def speak_by(formatter: logging.Formatter) -> None:
    """From now on each line is one of that formatter's, for a program that reads all that is written."""
    _SPEECH.formatter = formatter


def complain_in_json() -> None:
    """From now on each line of the error stream is a JSON object, for a program that asked for JSON."""
    _SPEECH.complains_in_json = True


def as_said(level: int, line: str) -> str:
    """A line that a stream says by itself, as all others are said there."""
    return _SPEECH.of(level, line, line)


def say(line: str) -> None:
    """A line of what was asked for. Its colours are left out when it goes into a file or a pipe."""
    typer.echo(_SPEECH.of(logging.INFO, line, line.strip()))


def report(error: object) -> None:
    """One clear message on the error stream."""
    _complain(logging.ERROR, "error", f"{styled('error:', 'red', bold=True)} {error}", str(error))


def warn(message: str) -> None:
    """Something that a person should know, but that stops nothing."""
    _complain(logging.WARNING, "warning", f"{styled('warning:', 'yellow')} {message}", message)


def note(message: str, colour: str | None = None) -> None:
    """How it goes, which is no part of what was asked for."""
    _complain(logging.INFO, "notice", styled(message, colour, dim=colour is None), message)


def _complain(level: int, kind: str, plain: str, message: str) -> None:
    line = json.dumps({kind: message}) if _SPEECH.complains_in_json else _SPEECH.of(level, plain, message)
    typer.echo(line, err=True)


def styled(text: str, colour: str | None = None, *, bold: bool = False, dim: bool = False) -> str:
    """The text in a colour, for a terminal; as it is for who wants none (no-color.org), and for a program."""
    if os.environ.get("NO_COLOR") or _SPEECH.formatter is not None:
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
