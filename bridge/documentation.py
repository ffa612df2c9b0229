"""Documentation on this machine: where a page is that a message sends somebody to, in a clone and beside what a wheel
has installed."""

import sysconfig
from pathlib import Path

__all__ = ["where_documented"]

SOURCE = Path(__file__).parents[1]
INSTALLED = Path("share/doc/bridge")
"""Where the wheel puts it, below the environment that it is installed in."""


def where_documented(page: str) -> str:
    """Where a page is, by its name in the source, such as `docs/operations.md` or `config/bridge.toml`."""
    if (SOURCE / page).exists():
        return page if Path.cwd() == SOURCE else str(SOURCE / page)
    return str(Path(sysconfig.get_path("data")) / INSTALLED / page.removeprefix("config/"))
