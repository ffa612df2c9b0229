"""Addresses: when two ways to write one are the same, and when one is made to be taken for another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.addresses import address_key, is_among, resembled

EVM = "0x9C1bc3C3cdee47e5c7Cc6311748241eF4356feeA"
BASE58 = "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"
SEGWIT = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
HEX = "0123456789abcdef"
evm_addresses = st.text(HEX, min_size=40, max_size=40).map("0x".__add__)


@pytest.mark.parametrize(
    ("one", "other", "are_same"),
    [
        (EVM, EVM.lower(), True),
        (EVM, "0X" + EVM[2:].upper(), True),
        (EVM, EVM[:-1] + "b", False),
        (SEGWIT, SEGWIT.upper(), True),
        # Bech32 is written in one case; mixed it is no address.
        (SEGWIT, SEGWIT.capitalize(), False),
        (BASE58, BASE58.lower(), False),
        (BASE58, BASE58.swapcase(), False),
        ("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "tr7nhqjekqxgtci8q8zy4pl8otszgjlj6t", False),
        ("lnbc1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5", None, True),
        ("lnbc2500u1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5", None, True),
        ("lnbc2500u1pvjluezpp5qqqs", "lnbc2500u1pvjluezpp5qqqz", False),
    ],
)
def test_addresses_are_equal_as_their_family_has_it(one: str, other: str | None, are_same: bool) -> None:
    other = one.upper() if other is None else other
    assert (address_key(one) == address_key(other)) is are_same
    assert is_among(other, {one}) is are_same


@given(st.text(max_size=60))
def test_an_address_is_itself_however_often_it_is_made_equal(text: str) -> None:
    assert address_key(address_key(text)) == address_key(text)
    assert is_among(text, [text])


@pytest.mark.parametrize(
    ("address", "other", "are_alike"),
    [
        ("0x9c1b000000000000000000000000000000000eeA", EVM, True),
        ("0x9c100000000000000000000000000000000feea", EVM, True),  # a character is missing, too
        (EVM.lower(), EVM, False),  # it is the same
        ("0x9c10000000000000000000000000000000000eea", EVM, False),
        ("0x0c1bc00000000000000000000000000000000feea", EVM, False),
        ("1BvBxxxxxxxxxxxxxxxxxxxxxxxxxxJaNVN2", BASE58, True),
        ("1BxxxxxxxxxxxxxxxxxxxxxxxxxxxxJaNVN2", BASE58, False),
        ("bc1qw50xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx8f3t4", SEGWIT, True),
        ("bc1qxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx8f3t4", SEGWIT, False),  # all begin with bc1q
        (f"lnbc2500u1pvjlue{'z' * 200}8f3t4", f"lnbc2500u1pvjlue{'q' * 200}8f3t4", False),  # as a day's invoices do
    ],
)
def test_an_address_that_begins_and_ends_alike_is_taken_for_the_other(
    address: str, other: str, are_alike: bool
) -> None:
    assert resembled(address, [BASE58[::-1], other]) == (other if are_alike else None)
    assert resembled(other, [address]) == (address if are_alike else None)


@given(evm_addresses, evm_addresses)
def test_no_address_is_taken_for_itself_and_all_that_are_take_each_other_for_it(one: str, other: str) -> None:
    assert resembled(one, [one, one.upper().replace("X", "x")]) is None
    assert (resembled(one, [other]) is None) is (resembled(other, [one]) is None)
    made = one[:6] + other[6:-3] + one[-3:]
    assert resembled(made, [one]) == (None if made == one else one)
