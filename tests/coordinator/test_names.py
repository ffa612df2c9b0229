"""Names that look the same are taken for one person's; names of different people are not."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.names import may_be_one

LOOK_ALIKE = [
    ("anna", "\u0430nna"),  # one Cyrillic letter
    ("anna", "\u0391NNA"),  # a Greek capital
    ("Ada", "\u13aada"),  # a Cherokee letter
    ("ace", "\u0430\u0441\u0435"),  # Cyrillic throughout
    ("BOB", "\u0412\u041e\u0412"),
    ("Bob", "\u0432\u043e\u0432"),  # those in small letters, which Cyrillic has small capitals for
    ("ada", "\u0251da"),  # a Latin letter of phonetics
    ("bill", "biII"),
    ("bill", "bi11"),
    ("user-o", "user-0"),
    ("Warner", "Wamer"),
    ("wendy", "vvendy"),
    ("Wendy", "VVendy"),
    ("ada", "acla"),
    ("ada", "ac1a"),
    ("adam", "aclarn"),
    ("wendy", "\u0475\u0475endy"),  # two Cyrillic letters that look like v each
    ("anna", "ann\ua64b"),  # a letter that nobody has compared: within a name of ours it may be any
    ("Ада", "ада"),
    ("Zo\u00eb", "Zoe\u0308"),
    ("\u200b", "\u200b"),
]


@pytest.mark.parametrize(("one", "other"), LOOK_ALIKE)
def test_what_looks_like_a_name_is_that_name(one: str, other: str) -> None:
    assert may_be_one(one, other)
    assert may_be_one(other, one)


# Default_Ignorable_Code_Point of Unicode's DerivedCoreProperties.txt (15.0): what is shown as nothing.
SHOWN_AS_NOTHING = [
    *(0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), *range(0x200B, 0x2010)),
    *(*range(0x202A, 0x202F), *range(0x2060, 0x2070), 0x3164, *range(0xFE00, 0xFE10), 0xFEFF, 0xFFA0),
    *(*range(0xFFF0, 0xFFF9), *range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B), *range(0xE0000, 0xE1000)),
]


def test_what_nobody_sees_makes_no_other_name() -> None:
    split_unreadable = [
        hex(code) for code in SHOWN_AS_NOTHING if not may_be_one("ada", f"{chr(code)}a{chr(code)}da{chr(code)}")
    ]
    assert split_unreadable == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *itertools.combinations(("Ada", "Bo", "Anna", "Hanna", "Иван", "Ада", "Μαρία", "李伟", "李娜", "user-2"), 2),
        ("Bob", "Bоа"),  # mixed alphabets, and still another name
        ("auth0|1234", "auth0|1235"),
        ("\u200b", "\u00ad"),
    ],
)
def test_people_with_other_names_are_others(one: str, other: str) -> None:
    assert not may_be_one(one, other)
    assert not may_be_one(other, one)


@given(st.text(max_size=12), st.text(max_size=12))
def test_everybody_is_themselves_and_it_does_not_matter_who_is_compared_with_whom(one: str, other: str) -> None:
    assert may_be_one(one, one)
    assert may_be_one(one, one.swapcase()) or one.swapcase().swapcase() != one
    assert may_be_one(one, other) is may_be_one(other, one)
