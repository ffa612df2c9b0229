"""Owners of files: what root writes beside a journal is given to whoever runs the bridge, who has to write it too."""

import os
from pathlib import Path

__all__ = ["give_to_owner_of"]


def give_to_owner_of(neighbour: Path, file: Path | int) -> None:
    """Gives a file, or what a descriptor has open, to the owner of another. Does nothing for who is not root."""
    if os.geteuid() != 0:
        return
    wanted, present = neighbour.stat(), os.stat(file)  # noqa: PTH116 (a descriptor too)
    if (wanted.st_uid, wanted.st_gid) != (present.st_uid, present.st_gid):
        os.chown(file, wanted.st_uid, wanted.st_gid)
