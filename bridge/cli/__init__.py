"""The command line: `bridge serve`, `demo`, `simulate`, `listen`, `endpoints`, `payouts`, `alerts`, `journal`,
`doctor` and `contract`.

A command's module is imported when it is run, so that `bridge --help` and `--version` import next to nothing.
Exit codes: 0 when it went well, 1 when it did not, 2 when the command was not understood.
"""

import sys

from bridge import __version__

__all__ = ["COMMANDS", "main"]

COMMANDS = {
    "serve": "Run the bridge until Ctrl-C or SIGTERM.",
    "demo": "Show a simulated afternoon of sales, on a bridge and a local SHKeeper of its own.",
    "simulate": "Play a payment provider.",
    "listen": "Show events as they happen.",
    "endpoints": "Register where events are sent, and see what was.",
    "payouts": "Hold all payouts, have them sent again, or approve or reject one.",
    "alerts": "Try whether those are reached who are told of what needs a person.",
    "journal": "Back the journal up, say that it was restored, and see what it has forgotten.",
    "doctor": "Check the configuration, and say what is wrong and what to do.",
    "contract": "Print every event, both ways, with its payload.",
}
"""Each command is the object of its name in the module `bridge.cli.<name>`; what it does stands in the help."""

HELP = f"""\
Usage: bridge COMMAND [OPTIONS]

Webhooks of payment providers in, live events for buyers, sellers and finance out.

Commands:
{"".join(f"  {name:<10}{what}" + chr(10) for name, what in COMMANDS.items())}
Options:
  --version Print the version and exit.
  --help    Show this message and exit.

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
        print(f"error: cannot write the output: {error.strerror}", file=sys.stderr)
        sys.exit(1)


def _main(arguments: list[str]) -> None:
    match arguments:
        case ["--help", *_]:
            print(HELP, end="")
        case ["--version"]:
            print(f"bridge {__version__}")
        case ["--version", extra, *_]:
            _refuse(f"--version stands alone, without {extra!a}")
        case [name, *arguments] if name in COMMANDS:
            _run(name, arguments)
        case [name, *_]:
            kind = "option" if name.startswith("-") else "command"
            _refuse(f"there is no {kind} {name!a}")
        case _:
            print(HELP, end="")
            sys.exit(2)


def _refuse(why: str) -> None:
    print(f"error: {why}; bridge --help lists what there is", file=sys.stderr)
    sys.exit(2)


def _run(name: str, arguments: list[str]) -> None:
    from importlib import import_module

    import typer

    from bridge.cli.console import prepare_streams, report
    from coordinator.errors import BridgeError

    prepare_streams()
    command = getattr(import_module(f"bridge.cli.{name}"), name)
    if not isinstance(command, typer.Typer):
        app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich")
        app.command()(command)
        command = app
    try:
        command(args=arguments, prog_name=f"bridge {name}")
    except BridgeError as error:
        report(error)
        sys.exit(1)
