"""Log lines: the one place through which all that is logged goes. Whatever a stranger has put into a text, it is one
line that begins as lines do; what goes on below it, such as a traceback, is set in, so that nobody forges one."""

import logging

from bridge.cli.console import on_one_line

__all__ = ["LogLines"]

# A stranger may send a megabyte, which is no line that anybody reads.
LINE_LIMIT_CHARACTERS = 8_000
SET_IN = "    "


class LogLines(logging.Formatter):
    """Writes a record with everything written out that could end a line, move a cursor or turn text around."""

    def format(self, record: logging.LogRecord) -> str:
        record.message = record.getMessage()
        if self.usesTime():
            record.asctime = self.formatTime(record, self.datefmt)
        below = record.exc_text or (self.formatException(record.exc_info) if record.exc_info else "")
        if record.stack_info:
            below = f"{below}\n{self.formatStack(record.stack_info)}"
        lines = [self.formatMessage(record), *(f"{SET_IN}{line}" for line in below.split("\n") if line)]
        return "\n".join(map(_line, lines))


def _line(text: str) -> str:
    shown = text if text.isprintable() else on_one_line(text)
    if len(shown) <= LINE_LIMIT_CHARACTERS:
        return shown
    return f"{shown[:LINE_LIMIT_CHARACTERS]}… ({len(shown)} characters)"
