"""The base of every frozen model: snake_case in Python, the specification's camelCase in JSON."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from operator import itemgetter, not_
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

if TYPE_CHECKING:
    from functools import cached_property
else:
    try:
        from propcache.api import cached_property
    except ModuleNotFoundError:  # a service that only has the client derives little
        from functools import cached_property

__all__ = ["FrozenModel", "UnlessZero", "cached_property"]

UnlessZero = Annotated[int, Field(exclude_if=not_)]
"""A number that is written down only where there is something to say."""


_set = object.__setattr__
# Which of its fields were named is asked of none of them.
_ANY_FIELDS: set[str] = set()


class FrozenModel(BaseModel):
    """An immutable value that refuses unknown fields."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        ignored_types=(cached_property,),
    )

    def __iter__(self) -> Iterator[tuple[str, Any]]:  # type: ignore[override]
        """Its fields, without what was derived and kept (`cached_property`)."""
        return ((name, self.__dict__[name]) for name in type(self).__pydantic_fields__)

    def __eq__(self, other: object) -> bool:
        """Whether it is of the same kind, and all fields are alike, whatever was derived of either."""
        if type(other) is not type(self):
            return NotImplemented
        own, others = self.__dict__, other.__dict__
        if own == others:
            return self.model_extra == other.model_extra
        names = type(self).__pydantic_fields__
        if len(own) == len(others) == len(names):
            return False
        return all(own[name] == others[name] for name in names) and self.model_extra == other.model_extra

    @property
    def all_values(self) -> Mapping[str, Any]:
        """Those of its fields, by their names."""
        return self.__dict__

    def value_of(self, name: str) -> Any:
        """The value of a field by its name; None if it has no such field. By getattr pydantic would look for that at
        length."""
        return self.__dict__.get(name)

    def set_in_place(self, **fields: Any) -> None:
        """Sets fields of one that nobody else holds yet: a copy would derive everything anew."""
        self.__dict__.update(fields)

    @classmethod
    def of_checked(cls, **fields: Any) -> Self:
        """One of values that were checked already, which are not looked at again; fields that are left out have their
        defaults."""
        model = cls.__new__(cls)
        _set(model, "__dict__", _defaults_of(cls) | fields)
        _set(model, "__pydantic_fields_set__", _ANY_FIELDS)
        _set(model, "__pydantic_extra__", None)
        _set(model, "__pydantic_private__", None)
        return model

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy, with other values of some fields, which are not checked; without what was derived and kept, but for
        what of that is given as well."""
        if deep:
            return super().model_copy(update=update, deep=deep)
        # What pydantic's own comes to for a model without extra and private fields, at a third of the cost.
        model = type(self)
        values = self.__dict__
        names, values_of = _values_of(model)
        fields = values.copy() if len(values) == len(names) else dict(zip(names, values_of(values), strict=True))
        if update:
            fields.update(update)
        copied = model.__new__(model)
        _set(copied, "__dict__", fields)
        _set(copied, "__pydantic_fields_set__", _ANY_FIELDS)
        _set(copied, "__pydantic_extra__", None)
        _set(copied, "__pydantic_private__", None)
        return copied

    def __copy__(self) -> Self:
        return self.model_copy()

    def as_json(self) -> str:
        """What `model_dump_json` says. To hand on its dozen options costs as much as a small model."""
        return self.__pydantic_serializer__.to_json(self).decode()


@cache
def _values_of(model: type[FrozenModel]) -> tuple[tuple[str, ...], Callable[[Mapping[str, Any]], tuple[Any, ...]]]:
    """The names of a model's fields, and what takes their values, in that order, out of all that is kept."""
    names = tuple(model.__pydantic_fields__)
    return names, itemgetter(*names) if len(names) > 1 else lambda values: tuple(values[name] for name in names)


@cache
def _defaults_of(model: type[FrozenModel]) -> dict[str, Any]:
    return {name: field.default for name, field in model.__pydantic_fields__.items()}
