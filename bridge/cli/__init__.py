"""The command line: `bridge serve`, `demo`, `simulate`, `listen`, `doctor` and `contract`.

Exit codes: 0 when it went well, 1 when it did not, 2 when the command was not understood.
"""

import sys
from importlib.metadata import version

import typer

from bridge.cli.console import prepare_streams, report
from bridge.cli.contract import contract
from bridge.cli.demo import demo
from bridge.cli.doctor import doctor
from bridge.cli.listen import listen
from bridge.cli.serve import serve
from bridge.cli.simulate import simulate
from coordinator.errors import BridgeError

__all__ = ["app", "main"]

app = typer.Typer(
    name="bridge",
    help="Webhooks of payment providers in, live events for buyers, sellers and finance out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command()(serve)
app.command()(demo)
app.add_typer(simulate, name="simulate")
app.command()(listen)
app.command()(doctor)
app.command()(contract)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"bridge {version('bridge')}")
        raise typer.Exit


@app.callback()
def options(
    show_version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
    ),
) -> None:
    """Webhooks of payment providers in, live events for buyers, sellers and finance out."""


def main() -> None:
    """Runs the command line; an error that can be explained is explained, without a traceback."""
    prepare_streams()
    try:
        app()
    except BridgeError as error:
        report(error)
        sys.exit(1)
