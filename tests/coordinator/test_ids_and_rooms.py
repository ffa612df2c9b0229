"""Ids stay within their limits wherever they come from, and rooms are named as the specification spells them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from coordinator import rooms
from coordinator.ids import Id, is_id

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


@given(st.text(max_size=5))
def test_models_and_sockets_agree_on_what_an_id_is(value: str) -> None:
    assert is_id(value) == is_id_for_models(value)


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
