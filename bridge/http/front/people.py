"""People, as whoever calls names them for the record."""

from typing import Annotated

from pydantic import AfterValidator

from coordinator.ids import Id
from coordinator.payouts.holds import THE_BRIDGE

__all__ = ["Person"]


def _no_machine(name: str) -> str:
    if " ".join(name.split()).casefold() == THE_BRIDGE:
        raise ValueError(f"{name!r} is what the record calls the bridge itself; expected the name of a person")
    return name


Person = Annotated[Id, AfterValidator(_no_machine)]
