"""What is read past the model says what the model says of it, to the last digit and to the last letter of its key."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.shkeeper.simulator.scenarios import SCENARIOS, Invoice
from providers.shkeeper.usual_notice import (
    ADDRESS,
    AMOUNT,
    CODE,
    DATE,
    ID,
    OF_NOTICE,
    OF_TRANSACTION,
    usual_notice,
)
from providers.shkeeper.webhooks import notice_by_model
from providers.shkeeper.wire import read_object

TEXTS = ("", " ", "a b", "é", '"', "\\", "\n", "0\n0", "\x7f", "\ud800", "a" * 65, "a" * 201, "paid", "unconfirmed")
AMOUNTS = ("00", "00.5", "1.", ".5", "1E2", "0E-10", "-1", "٣", "9" * 79, "0." + "0" * 31)
DATES = ("2026-02-30 10:00:00", "2026-01-01 24:00:00", "2026-01-01T10:00:00", "0999-01-01 10:00:00")
OTHERS: tuple[Any, ...] = (None, 0, 1, 1.5, Decimal("1.5"), True, [], {}, [1], {"a": 1})
ODD = st.sampled_from((*TEXTS, *AMOUNTS, *DATES, *OTHERS))
"""What a field seldom holds, or must not hold."""


USUAL: Mapping[str, st.SearchStrategy[str]] = {
    ID: st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=8),
    ADDRESS: st.sampled_from(("0x6f2F", "bc1q", "[~]")),
    CODE: st.sampled_from(("USD", "ETH-USDT", "a.b_C", "0" * 64)),
    AMOUNT: st.sampled_from(("0", "7.8", "0.00", "10", "0." + "0" * 29 + "1", "9" * 78 + "." + "0" * 30)),
    DATE: st.sampled_from(("2024-06-25 15:45:38", "1000-01-01 00:00:00", "2999-12-31 23:59:59")),
    OF_NOTICE["status"]: st.sampled_from(OF_NOTICE["status"].split("|")),
    OF_NOTICE["fee_policy"]: st.sampled_from(("NO_FEE", "PERCENT_FEE", "A_NEW_ONE")),
}


def almost(name: str, form: str | None) -> st.SearchStrategy[tuple[str, Any]]:
    """A field, and what is not of its form, or only just."""
    near: Mapping[str | None, tuple[str, ...]] = {AMOUNT: AMOUNTS, DATE: DATES}
    return st.tuples(st.just(name), st.sampled_from(near.get(form, TEXTS)) | ODD)


def objects(forms: Mapping[str, str], **others: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects whose fields have their usual forms, but for one or two that have not, or are missing."""
    usual = {name: USUAL[form] for name, form in forms.items()}
    names = st.sampled_from([*forms, *others])
    return st.builds(
        lambda content, odd, without: {
            name: value for name, value in {**content, **odd}.items() if name not in without
        },
        st.fixed_dictionaries({**usual, **others}),
        st.just({}) | st.lists(names.flatmap(lambda name: almost(name, forms.get(name))), max_size=2).map(dict),
        st.just(()) | st.lists(names, max_size=1),
    )


TRANSACTIONS = objects(OF_TRANSACTION, trigger=st.booleans())
NOTICES = objects(OF_NOTICE, paid=st.booleans(), transactions=st.lists(TRANSACTIONS | ODD, max_size=2))


@given(NOTICES)
def test_what_is_read_past_the_model_is_what_the_model_reads(content: dict[str, Any]) -> None:
    usual = usual_notice(content)
    if usual is not None:
        # As text, in which 1.0 is not 1, nor True.
        assert repr(usual) == repr(notice_by_model(content))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_all_that_a_gateway_of_today_writes_of_invoices_is_read_past_it(scenario: str) -> None:
    invoice = Invoice("order-1", Decimal("49.90"), "USD", datetime(2026, 1, 1, tzinfo=UTC))
    notices = [read_object(delivery.body) for delivery in SCENARIOS[scenario](invoice)]
    of_invoices = [content for content in notices if content["status"] != "unconfirmed"]
    assert [content for content in of_invoices if usual_notice(content) is None] == []
