"""Ids stay within their limits wherever they come from, and rooms are named as the specification spells them."""

import re
import unicodedata
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from coordinator import rooms
from coordinator.ids import Id, NewId, is_id, new_id

ID: TypeAdapter[str] = TypeAdapter(Id)


def is_id_for_models(value: object) -> bool:
    try:
        ID.validate_python(value)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("value", ["1", "a b", "65f1c0ffee", "支付-é", "a" * 200, "../../x", "<script>"])
def test_an_id_is_any_visible_text(value: str) -> None:
    assert is_id(value)
    assert is_id_for_models(value)


@pytest.mark.parametrize(
    "value",
    ["", " ", "\xa0", "a" * 201, "a\nb", "a\x00", "\x7f", "\x85", "a\ud800", "a\n", 1, None, True, [], {}],
)
def test_what_is_no_id_is_refused(value: object) -> None:
    assert not is_id(value)
    assert not is_id_for_models(value)


def test_nothing_that_cannot_be_seen_is_part_of_an_id() -> None:
    """Of all characters that format text alone, those that stand before a number or a name in writing can be seen."""
    seen = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
    codes = [*range(0x20000), *range(0xE0000, 0xE1000), *range(0xF0000, 0x110000, 0x101)]
    format_alone = {code for code in codes if unicodedata.category(chr(code)) in ("Cc", "Cf", "Zl", "Zp")} - seen
    fillers = {0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x2800, 0x3164, 0xFE0F, 0xFFA0, 0xE0100, 0xE01EF}
    private = {code for code in codes if unicodedata.category(chr(code)) == "Co"} | {0x10FFFD}
    none = {
        *range(0xFDD0, 0xFDF0),
        *(plane + last for plane in range(0, 0x110000, 0x10000) for last in (0xFFFE, 0xFFFF)),
    }
    unseen = format_alone | fillers | private | none | {0xFFFC, 0xFFFD, 0x16FE4, 0x1D159}
    assert [hex(code) for code in sorted(unseen) if is_id(f"a{chr(code)}b")] == []
    blanks = [chr(code) for code in codes if unicodedata.category(chr(code)) == "Zs"]
    assert [blank for blank in blanks if is_id(blank * 2) or not is_id(f"a{blank}b")] == []


@given(st.text(max_size=5))
def test_models_and_sockets_agree_on_what_an_id_is(value: str) -> None:
    assert is_id(value) == is_id_for_models(value)


@given(st.lists(st.floats(0, 2**32 - 1), min_size=2, max_size=5))
def test_ids_of_the_bridges_own_lie_in_the_order_in_which_they_were_made(seconds: list[float]) -> None:
    """To 1/256 of a second: who pays at the same time has neighbours in an index, and nobody has another's id."""
    at = sorted(datetime.fromtimestamp(one, UTC) for one in seconds)
    made = [new_id("pay", moment) for moment in at]
    assert all(is_id(one) and re.fullmatch("pay_[0-9a-f]{26}", one) for one in made)
    assert len(set(made)) == len(made)
    pairs = list(zip(at, made, strict=True))
    apart = timedelta(seconds=1) / 255
    assert all(one < other for was, one in pairs for later, other in pairs if later - was >= apart)


NEW_ID: TypeAdapter[str] = TypeAdapter(NewId)


@pytest.mark.parametrize("value", ["r 6", "支付 é", "1", "a" * 200])
def test_a_new_id_may_have_blanks_within(value: str) -> None:
    assert NEW_ID.validate_python(value) == value


@given(st.text(max_size=4) | st.builds("{}{}{}".format, *[st.sampled_from(["", " ", "\xa0", "\u3000", "r"])] * 3))
def test_a_new_id_is_an_id_that_begins_and_ends_with_what_can_be_seen(value: str) -> None:
    pattern = str(NEW_ID.json_schema()["pattern"])
    expected = is_id(value) and value == value.strip()
    try:
        NEW_ID.validate_python(value)
    except ValidationError:
        assert not expected
    else:
        assert expected
    assert (re.search(pattern, value) is not None and not value.endswith("\n")) == expected


def test_rooms_are_named_as_specified() -> None:
    assert [rooms.user("1"), rooms.request("1"), rooms.seller("1"), rooms.buyer("1"), rooms.chat("1")] == [
        "user-1",
        "request-1",
        "seller-1",
        "buyer-1",
        "chat-1",
    ]
    assert (rooms.template_checkout("1"), rooms.SELLERS, rooms.BUYERS, rooms.OPS) == (
        "template-checkout-1",
        "sellers",
        "buyers",
        "ops",
    )
