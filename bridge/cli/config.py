"""`bridge config`: every setting with its value, and where that comes from."""

import json
import os
from typing import Annotated

import typer

from bridge.cli.console import bold, on_one_line, say, styled
from bridge.cli.options import AsJson, Config

__all__ = ["config"]


def config(
    config: Config = None,
    as_json: AsJson = False,
    changed: Annotated[bool, typer.Option("--changed", help="Only those that are not at their default.")] = False,
) -> None:
    """Show every setting with its value, and where that comes from. Secrets are not shown.

    Example: [bold]bridge config --changed[/bold]
    """
    from bridge.configuration.files import find_config_file, settings_in
    from bridge.configuration.origins import origins_of
    from bridge.secret_files import secret_files
    from bridge.settings import load_settings

    path = config or find_config_file()
    settings = load_settings(path)
    in_file = () if path is None else settings_in(path)
    origins = origins_of(settings, path, in_file, os.environ, secret_files(os.environ))
    shown = [one for one in origins if not changed or one.origin != "default"]
    if as_json:
        shown_as = [{"name": one.name, "value": one.value, "origin": one.origin} for one in shown]
        say(json.dumps(shown_as, indent=2))
        return
    for one in shown:
        value = json.dumps(one.value, ensure_ascii=False)
        origin = styled(one.origin, dim=True) if one.origin == "default" else one.origin
        say(f"{bold(one.name)} = {on_one_line(value)}  ({origin})")
