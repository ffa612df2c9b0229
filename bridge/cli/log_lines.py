"""Log lines: the one place through which all that is logged goes. Whatever a stranger has put into a text, it is one
line that begins as lines do; what goes on below it, such as a traceback, is set in, so that nobody forges one. For a
program each record is one JSON object on a line of its own."""

import json
import logging
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from bridge.cli.console import on_one_line, speak_by
from bridge.traces import tracing
from coordinator.errors import BridgeError

__all__ = ["JsonLines", "LogLines", "speak_as_it_is_logged"]

# A stranger may send a megabyte, which is no line that anybody reads.
LINE_LIMIT_CHARACTERS = 8_000
SET_IN = "    "


def speak_as_it_is_logged(config: Path | None) -> None:
    """Has commands speak in JSON where the log is to be in JSON, as far as that is known before all settings are."""
    from bridge.setting_files import find_config_file, settings_in

    path = config or find_config_file()
    named = {name.upper(): value for name, value in os.environ.items()}.get("BRIDGE_LOG_FORMAT")
    if named is None and path is not None:
        with suppress(BridgeError):  # which is said when all settings are read
            named = settings_in(path).get("log_format")
    if named == "json":
        speak_by(JsonLines())


class LogLines(logging.Formatter):
    """Writes a record with everything written out that could end a line, move a cursor or turn text around."""

    def format(self, record: logging.LogRecord) -> str:
        record.message = record.getMessage()
        if self.usesTime():
            record.asctime = self.formatTime(record, self.datefmt)
        below = _below(self, record)
        lines = [self.formatMessage(record), *(f"{SET_IN}{line}" for line in below.split("\n") if line)]
        return "\n".join(map(_line, lines))


class JsonLines(logging.Formatter):
    """Writes a record as one JSON object: `time` (UTC, with milliseconds), `level`, `logger`, `message`, `exception`
    where there is one, and `trace_id` and `span_id` of what is traced."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        said = {"time": at, "level": record.levelname.lower(), "logger": record.name}
        said["message"] = _shortened(record.getMessage())
        if below := _below(self, record):
            said["exception"] = _shortened(below)
        if tracing.traces is not None:
            said |= tracing.traces.ids()
        return json.dumps(said)  # in ASCII, which no reader splits in another place


def _below(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    below = record.exc_text or (formatter.formatException(record.exc_info) if record.exc_info else "")
    return f"{below}\n{formatter.formatStack(record.stack_info)}" if record.stack_info else below


def _line(text: str) -> str:
    return _shortened(text if text.isprintable() else on_one_line(text))


def _shortened(text: str) -> str:
    if len(text) <= LINE_LIMIT_CHARACTERS:
        return text
    return f"{text[:LINE_LIMIT_CHARACTERS]}… ({len(text)} characters)"
