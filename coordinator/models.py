"""The base of every frozen model: snake_case in Python, the specification's camelCase in JSON."""

from collections.abc import Iterator
from typing import Any, Self

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

__all__ = ["FrozenModel"]


class FrozenModel(BaseModel):
    """An immutable value that refuses unknown fields."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        use_attribute_docstrings=True,
    )

    def __iter__(self) -> Iterator[tuple[str, Any]]:  # type: ignore[override]
        """Its fields, without what was derived and kept (`cached_property`)."""
        return ((name, self.__dict__[name]) for name in type(self).__pydantic_fields__)

    def __copy__(self) -> Self:
        """A copy without what was derived and kept: the copy may be given other fields."""
        copied = super().__copy__()
        for name in copied.__dict__.keys() - type(self).__pydantic_fields__.keys():
            del copied.__dict__[name]
        return copied
