"""The command line: `bridge serve` and the other COMMANDS.

A command's module is imported when it is run, so that `bridge --help` and `--version` import next to nothing.
Exit codes: 0 when it went well, 1 when it did not, 2 when the command was not understood. With `--json` each line of
the error stream is a JSON object.
"""

import os
import sys

from bridge import __version__
from bridge.cli.commands import COMMANDS, COMPLETION_VARIABLE

__all__ = ["main"]

AS_JSON = "--json"
"""Of nearly every command: what it answers is for a program, and so is what it complains of."""

HELP = f"""\
Usage: bridge COMMAND [OPTIONS]

Webhooks of payment providers in, live events for buyers, sellers and finance out.

Commands:
{"".join(f"  {name:<12}{what}" + chr(10) for name, what in COMMANDS.items())}
Options:
  -V, --version  Print the version and exit.
  -h, --help     Show this message and exit.

bridge COMMAND --help shows what a command takes.
"""


def main() -> None:
    """Runs the command line; an error that can be explained is explained, without a traceback."""
    try:
        _main(sys.argv[1:])
        sys.stdout.flush()
    except OSError as error:
        import errno

        if error.errno != errno.ENOSPC:
            raise
        sys.stdout = None  # or the interpreter writes what is left when it ends
        _print_error(f"cannot write the output: {error.strerror}")
        sys.exit(1)


def _main(arguments: list[str]) -> None:
    if COMPLETION_VARIABLE in os.environ:
        from bridge.cli.completion import complete

        complete()
        return
    match arguments:
        case ["--help" | "-h", *_]:
            print(HELP, end="")
        case ["--version" | "-V"]:
            print(f"bridge {__version__}")
        case ["--version" | "-V", extra, *_]:
            _refuse(f"--version stands alone, without {extra!a}")
        case [name, *arguments] if name in COMMANDS:
            _run(name, arguments)
        case [name, *_]:
            kind = "option" if name.startswith("-") else "command"
            _refuse(f"there is no {kind} {name!a}{_meant(name)}")
        case _:
            print(HELP, end="")
            sys.exit(2)


def _meant(name: str) -> str:
    import difflib

    near = difflib.get_close_matches(name, COMMANDS, n=1)
    return f"; is it {near[0]}?" if near else ""


def _refuse(why: str) -> None:
    _print_error(f"{why}; bridge --help lists what there is")
    sys.exit(2)


def _print_error(message: str) -> None:
    """As `bridge.cli.console` reports one, which is not imported yet."""
    if AS_JSON in sys.argv:
        import json

        print(json.dumps({"error": message}), file=sys.stderr)
    else:
        print(f"error: {message}", file=sys.stderr)


def _run(name: str, arguments: list[str]) -> None:
    from importlib import import_module

    try:
        import typer
    except ModuleNotFoundError:
        from coordinator.extras import how_to_install

        _print_error(f"only the client for services is installed; the server comes with {how_to_install('server')}")
        sys.exit(1)

    from bridge.cli.console import complain_in_json, prepare_streams, report
    from bridge.secret_files import adopt_secret_files
    from coordinator.errors import BridgeError

    prepare_streams()
    is_for_program = AS_JSON in arguments
    if is_for_program:
        complain_in_json()
    try:
        adopt_secret_files(os.environ)
    except BridgeError as error:
        if name == "serve":
            from bridge.cli.log_lines import speak_as_it_is_logged

            speak_as_it_is_logged(None)
        report(error)
        sys.exit(1)
    command = getattr(import_module(f"bridge.cli.{name}"), name)
    if not isinstance(command, typer.Typer):
        app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich")
        app.command()(command)
        command = app
    misuse: type[Exception] = typer.BadParameter.__base__  # type: ignore[assignment]
    try:
        ended = command(
            args=arguments,
            prog_name=f"bridge {name}",
            help_option_names=["-h", "--help"],
            standalone_mode=not is_for_program,  # in which it explains by itself, for a person, how it was misused
        )
    except BridgeError as error:
        report(error)
        sys.exit(1)
    except misuse as error:
        report(error.format_message())  # type: ignore[attr-defined]
        sys.exit(2)
    sys.exit(ended)
