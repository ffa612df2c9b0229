"""Docstrings of fields: they describe a field in every document, and are read only for one."""

from pydantic import Field

from bridge.contract.docstrings import describe_fields, field_docstrings
from coordinator.models import FrozenModel


class Parcel(FrozenModel):
    """A parcel."""

    weight_grams: int
    """What it weighs,
    with its wrapping."""
    height_mm: int
    told_twice: str = Field("", description="As its field has it.")
    """As its docstring has it."""


class Letter(Parcel):
    """A parcel that is flat."""

    stamps: int = 1
    """How many are on it."""


def test_what_stands_below_a_field_is_its_docstring_also_of_one_that_is_inherited() -> None:
    of_a_parcel = {"weight_grams": "What it weighs,\nwith its wrapping.", "told_twice": "As its docstring has it."}
    assert field_docstrings(Parcel) == of_a_parcel
    assert field_docstrings(Letter) == {**of_a_parcel, "stamps": "How many are on it."}


def test_a_field_is_described_when_a_document_is_wanted_and_its_own_description_wins() -> None:
    assert Letter.model_fields["stamps"].description is None
    describe_fields()
    assert {name: field.description for name, field in Letter.model_fields.items()} == {
        "weight_grams": "What it weighs,\nwith its wrapping.",
        "height_mm": None,
        "told_twice": "As its field has it.",
        "stamps": "How many are on it.",
    }
