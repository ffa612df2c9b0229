"""Log lines: the one place through which all that is logged goes. Whatever a stranger has put into a text, it is one
line that begins as lines do; what goes on below it, such as a traceback, is set in, so that nobody forges one. For a
program each record is one JSON object on a line of its own."""

import json
import logging
import os
import sys
import threading
import warnings
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from bridge.cli.console import on_one_line, speak_by
from bridge.request_ids import current_request_id
from bridge.traces import tracing
from coordinator.errors import BridgeError

__all__ = ["JsonLines", "LogLines", "log_what_python_says", "speak_as_it_is_logged"]

logger = logging.getLogger("bridge")

# A stranger may send a megabyte, which is no line that anybody reads.
LINE_LIMIT_CHARACTERS = 8_000
SET_IN = "    "


def speak_as_it_is_logged(config: Path | None) -> None:
    """Has commands speak in JSON where the log is to be in JSON, as far as that is known before all settings are."""
    from bridge.configuration.files import find_config_file, settings_in

    path = config or find_config_file()
    named = {name.upper(): value for name, value in os.environ.items()}.get("BRIDGE_LOG_FORMAT")
    if named is None and path is not None:
        with suppress(BridgeError):  # which is said when all settings are read
            named = settings_in(path).get("log_format")
    if named == "json":
        speak_by(JsonLines())
        if logging.lastResort is not None:  # who writes what is logged before there is a log
            logging.lastResort.setFormatter(JsonLines())
        log_what_python_says()


def log_what_python_says() -> None:
    """From now on what the interpreter would write to the error stream by itself is logged: warnings, and errors that
    nobody has caught, in whichever thread."""
    logging.captureWarnings(capture=True)
    warnings.formatwarning = _warning
    sys.excepthook = _log_error
    threading.excepthook = _log_error_of_thread
    sys.unraisablehook = _log_unraisable


def _warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """On one line, without the source line that Python puts below."""
    return f"{filename}:{lineno}: {category.__name__}: {message}"


def _log_error(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logger.critical("the bridge ends by an error of its own", exc_info=(kind, error, trace))


def _log_error_of_thread(said: threading.ExceptHookArgs) -> None:
    if said.exc_value is not None and said.exc_type is not SystemExit:
        name = "a thread" if said.thread is None else f"the thread {said.thread.name}"
        logger.error("%s ends by an error", name, exc_info=(said.exc_type, said.exc_value, said.exc_traceback))


def _log_unraisable(said: "sys.UnraisableHookArgs") -> None:
    # Not the object itself, which it would keep alive.
    what = f"{said.err_msg or 'an error that nobody could be told of, in'} {said.object!r}"
    if said.exc_value is not None:
        logger.error("%s", what, exc_info=(said.exc_type, said.exc_value, said.exc_traceback))


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
    where there is one, `request_id` of what belongs to a request over HTTP, and `trace_id` and `span_id` of what is
    traced."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        said = {"time": at, "level": record.levelname.lower(), "logger": record.name}
        said["message"] = _shortened(record.getMessage())
        if below := _below(self, record):
            said["exception"] = _shortened(below)
        if (request_id := current_request_id()) is not None:
            said["request_id"] = request_id
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
