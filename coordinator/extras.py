"""Extras: what only some bridges need, and how it is installed where it is missing. By its file: on an index the name
may be somebody else's."""

__all__ = ["how_to_install"]


def how_to_install(extra: str) -> str:
    """The command, with the wheel that this version comes as."""
    from importlib.metadata import version

    wheel = f"bridge-{version('bridge')}-py3-none-any.whl"
    return f"pip install './{wheel}[{extra}]', with the wheel that the bridge was installed from"
