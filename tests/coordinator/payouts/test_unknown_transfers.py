"""Which transfers of a chain no payout explains, and whom one may have paid."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.payouts.comparisons import Comparison, UnknownTransfer
from coordinator.payouts.payouts import Payout
from coordinator.payouts.unknown_transfers import Due, Explained, named, paid_by, unexplained

AT = datetime(2026, 11, 28, 12, tzinfo=UTC)
A, B = "0x" + "aB" * 20, "0x" + "cD" * 20
SENDER = "0x" + "11" * 20


def transfer(tx_hash: str = "0xA1", destination: str = A, **changes: Any) -> UnknownTransfer:
    values = {"chain": "ethereum", "coin": "USDT", "amount": Decimal(90), "sender": SENDER, "block_number": 7}
    return UnknownTransfer(**values | {"tx_hash": tx_hash, "destination": destination, "mined_at": AT} | changes)


def payout(**changes: Any) -> Payout:
    values = {
        "payout_id": "out_1",
        "provider": "shkeeper",
        "payment_id": "pay_1",
        "seller_id": "s1",
        "created_at": AT,
    }
    going = {"destination": A.lower(), "coin": "ETH-USDT", "amount": Decimal(90), "chain": "ethereum"}
    return Payout(**values | going | changes)


@given(st.lists(st.tuples(st.sampled_from(("0xa1", "0xb2")), st.sampled_from((A, B))), max_size=6), st.data())
def test_each_payout_explains_one_transfer_of_its_transaction_to_its_destination(
    moved: list[tuple[str, str]], data: st.DataObject
) -> None:
    known = data.draw(st.lists(st.sampled_from(moved), unique_by=id)) if moved else []
    transfers = [transfer(*one) for one in moved]
    # Hashes are written in capitals or without 0x, and addresses in small letters.
    explained = [Explained(tx_hash.upper().removeprefix("0X"), to.lower()) for tx_hash, to in known]
    left = unexplained(transfers, explained)
    for place in set(moved):
        expected = max(moved.count(place) - known.count(place), 0)
        assert sum((one.tx_hash, one.destination) == place for one in left) == expected


def test_a_payout_of_which_nobody_says_where_it_went_explains_one_that_no_other_does() -> None:
    transfers = [transfer(destination=A), transfer(destination=B)]
    assert unexplained(transfers, [Explained("0xa1", None), Explained("0xa1", B)]) == []
    assert unexplained(transfers, [Explained("0xa1", None)]) == [transfers[1]]
    assert unexplained(transfers, [Explained("0xb2", None)]) == transfers


@pytest.mark.parametrize(
    ("changes", "is_paid"),
    [
        ({}, True),
        ({"amount": Decimal("90.00")}, True),
        ({"amount": Decimal(89)}, False),
        ({"destination": B}, False),
        ({"chain": "polygon"}, False),
        ({"chain": None}, False),
    ],
)
def test_a_payout_is_paid_by_what_went_where_it_goes_and_is_as_much(changes: dict[str, Any], is_paid: bool) -> None:
    assert paid_by(payout(**changes), transfer()) is is_paid


OWED = Due("pay_1", "s1", Decimal(100), "USD")


@pytest.mark.parametrize(
    ("dues", "payees", "currencies", "fits"),
    [
        ([OWED], (), {"USD"}, ("100 USD that s1 is owed of pay_1",)),
        ([OWED], ("s1",), {"USD"}, ("100 USD that s1 is owed of pay_1",)),
        ([OWED], ("s2",), {"USD"}, ()),
        # Just what is owed may have gone to where somebody else was paid before.
        (
            [OWED._replace(amount=Decimal(90)), Due("pay_2", "s2", Decimal("90.00"), "USD")],
            ("s2",),
            {"USD"},
            ("90.00 USD that s2 is owed of pay_2", "90 USD that s1 is owed of pay_1"),
        ),
        ([OWED], (), {"EUR"}, ()),
        ([OWED._replace(amount=Decimal(89))], ("s1",), {"USD"}, ()),
        # Of much more than it is, only whoever was paid there before may have been paid a part.
        ([OWED._replace(amount=Decimal(900))], (), {"USD"}, ()),
        ([OWED._replace(amount=Decimal(900))], ("s1",), {"USD"}, ("900 USD that s1 is owed of pay_1",)),
        ([OWED._replace(payee_id="b1", is_refund=True)], (), {"USD"}, ("100 USD that b1 may be refunded of pay_1",)),
    ],
)
def test_it_may_have_paid_what_somebody_is_owed(
    dues: list[Due], payees: tuple[str, ...], currencies: set[str], fits: tuple[str, ...]
) -> None:
    assert named(transfer(), [], dues, payees, currencies).fits == fits


def test_a_payout_that_is_under_way_comes_before_what_is_owed() -> None:
    assert named(transfer(), [payout()], [OWED], ("s1",), {"USD"}).fits == ("payout out_1 of pay_1 for s1",)


def test_of_many_that_fit_the_nearest_are_named() -> None:
    dues = [Due(f"pay_{number}", "s1", Decimal(90 + number), "USD") for number in reversed(range(5))]
    fits = named(transfer(), [], dues, ("s1",), {"USD"}).fits
    assert [fit.rpartition(" ")[2] for fit in fits] == ["pay_0", "pay_1", "pay_2", "others"]


def test_books_with_a_transfer_that_nobody_knows_do_not_agree() -> None:
    found = Comparison(at=AT, transfers=(transfer(fits=("payout out_1",)), transfer("0xb2")))
    assert not found.agrees
    said = "\n".join(found.lines())
    assert "90 USDT from 0x1111" in said
    assert "it may have paid payout out_1" in said
    assert "it fits nothing that anybody is owed" in said
