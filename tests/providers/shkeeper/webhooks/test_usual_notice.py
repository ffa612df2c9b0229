"""What is read past the model says what the model says of it, to the last digit and to the last letter of its key."""

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from providers.shkeeper.simulator.scenarios import SCENARIOS, Invoice
from providers.shkeeper.webhooks.usual_notice import (
    ADDRESS,
    AMOUNT,
    CODE,
    DATE,
    ID,
    OF_NOTICE,
    OF_TRANSACTION,
    TXID,
    usual_notice,
)
from providers.shkeeper.webhooks.webhooks import notice_by_model
from providers.shkeeper.wire import read_object

plain_text = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters='"\\'), min_size=1, max_size=9
)
USUAL: Mapping[str, st.SearchStrategy[str]] = {
    ID: plain_text,
    ADDRESS: plain_text,
    TXID: st.text(st.sampled_from("0xX1fZ+/=_-"), min_size=1, max_size=9).filter(re.compile(TXID).fullmatch),
    CODE: st.sampled_from(("USD", "ETH-USDT", "a.b_C", "0" * 64)),
    AMOUNT: st.sampled_from(("0", "7.8", "0.00", "10", "0." + "0" * 29 + "1", "9" * 78 + "." + "0" * 30)),
    DATE: st.sampled_from(("2024-06-25 15:45:38", "1000-01-01 00:00:00", "2999-12-31 23:59:59")),
    OF_NOTICE["status"]: st.sampled_from(OF_NOTICE["status"].split("|")),
    OF_NOTICE["fee_policy"]: st.sampled_from(("NO_FEE", "PERCENT_FEE", "A_NEW_ONE")),
}
UNUSUAL: tuple[Any, ...] = (
    *("", " ", "a b", "é", '"', "\\", "\n", "0\n0", "\x7f", "\ud800", "a" * 65, "a" * 201, "paid", "unconfirmed"),
    *("00", "00.5", "1.", ".5", "1E2", "0E-10", "-1", "٣", "9" * 79, "0." + "0" * 31),
    *("2026-02-30 10:00:00", "2026-01-01 24:00:00", "2026-01-01T10:00:00", "2026-01-01 10:00:00.5"),
    *("0999-01-01 10:00:00", None, 0, 1, 1.5, Decimal("1.5"), True, False, [], {}, [1], {"a": 1}),
)
"""What a field seldom holds, or must not hold."""


def objects(forms: Mapping[str, str], **others: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({**{name: USUAL[form] for name, form in forms.items()}, **others})


TRANSACTIONS = objects(OF_TRANSACTION, trigger=st.booleans())
NOTICES = objects(OF_NOTICE, paid=st.booleans(), transactions=st.lists(TRANSACTIONS, max_size=2))


@given(NOTICES)
def test_what_is_read_past_the_model_is_what_the_model_reads(content: dict[str, Any]) -> None:
    # As text, in which 1.0 is not 1, nor True.
    assert repr(usual_notice(content)) == repr(notice_by_model(content))


def written(scenario: str) -> list[dict[str, Any]]:
    """The notices of the invoice that a gateway of today writes."""
    invoice = Invoice("order-1", Decimal("49.90"), "USD", datetime(2026, 1, 1, tzinfo=UTC))
    notices = [read_object(delivery.body) for delivery in SCENARIOS[scenario](invoice)]
    return [content for content in notices if content["status"] != "unconfirmed"]


def test_so_it_is_with_any_one_thing_in_it_that_is_unusual() -> None:
    [notice] = written("paid")
    [transaction] = notice["transactions"]
    changed = [{**notice, name: value} for name in notice for value in UNUSUAL]
    changed += [
        {**notice, "transactions": [{**transaction, name: value}]} for name in transaction for value in UNUSUAL
    ]
    changed += [{key: value for key, value in notice.items() if key != name} for name in notice]
    for content in changed:
        by_model = None
        with suppress(ValidationError):
            by_model = notice_by_model(content)
        usual = usual_notice(content)
        assert usual is None or repr(usual) == repr(by_model)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_all_that_a_gateway_of_today_writes_of_invoices_is_read_past_it(scenario: str) -> None:
    assert [content for content in written(scenario) if usual_notice(content) is None] == []
