"""Docstrings of fields: they describe a field in every document, and are read only for one."""

from contextlib import nullcontext

from pydantic import Field, create_model

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


def test_a_model_is_found_wherever_its_class_stands() -> None:
    class Sack(Parcel):
        class Seal(FrozenModel):
            number: int
            """What is printed on it."""

        colour: str
        """As it looks."""

    with nullcontext():

        class Bale(Sack):
            knots: int
            """How many it is bound with."""

    assert field_docstrings(Sack.Seal) == {"number": "What is printed on it."}
    assert field_docstrings(Bale) == {**field_docstrings(Sack), "knots": "How many it is bound with."}
    assert field_docstrings(Sack)["colour"] == "As it looks."


def test_a_model_without_a_class_statement_has_none() -> None:
    made = create_model("Made", __base__=FrozenModel, __module__=__name__, height_mm=(int, ...))
    assert field_docstrings(made) == {}


def test_a_field_is_described_when_a_document_is_wanted_and_its_own_description_wins() -> None:
    assert Letter.model_fields["stamps"].description is None
    describe_fields()
    assert {name: field.description for name, field in Letter.model_fields.items()} == {
        "weight_grams": "What it weighs,\nwith its wrapping.",
        "height_mm": None,
        "told_twice": "As its field has it.",
        "stamps": "How many are on it.",
    }
