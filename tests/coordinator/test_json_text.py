"""How much of JSON there is, before it is read: what is too much is found by counting."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.json_text import PARTS_LIMIT, NotJsonError, has_more_parts, json_in

TEXT = st.text(alphabet='a,[{"\\\\')
VALUES = st.recursive(TEXT | st.integers(), lambda some: st.lists(some) | st.dictionaries(TEXT, some), max_leaves=20)


def parts_of(value: Any) -> int:
    """Objects and lists, and what separates the members of each."""
    if not isinstance(value, dict | list):
        return 0
    inner = value.values() if isinstance(value, dict) else value
    return max(1, len(value)) + sum(map(parts_of, inner))


@given(VALUES)
def test_parts_are_counted_whatever_is_written_in_texts(value: Any) -> None:
    written, parts = json.dumps(value), parts_of(value)
    assert has_more_parts(written, parts - 1)
    assert not has_more_parts(written, parts)
    assert not has_more_parts(written.encode(), parts)


@pytest.mark.parametrize("one", ["{}", "[]", "0", '{"a":0}'])
def test_an_answer_of_more_parts_than_that_is_not_read(one: str) -> None:
    assert json_in(f"[{one},{one}]") == [json.loads(one)] * 2
    with pytest.raises(NotJsonError, match=f"more than {PARTS_LIMIT} values"):
        json_in("[" + ",".join([one] * (PARTS_LIMIT + 1)) + "]")
