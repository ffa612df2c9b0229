"""Ways to write one destination: whoever has one of them has the account."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.shkeeper.destinations import DestinationWrongError, read_destination, spellings_of
from tests.made_destinations import lengthened, ton, x_address, xrp
from tests.providers.shkeeper.test_destinations import EACH, KINDS, made_for

X_ADDRESS_CHARACTERS = 47


@pytest.mark.parametrize("coin", sorted(KINDS))
@EACH
@given(st.data())
def test_every_spelling_of_a_destination_is_the_same_account(coin: str, data: st.DataObject) -> None:
    read = data.draw(made_for(coin))
    spellings = spellings_of(coin, read)
    assert read in spellings
    for other in spellings:
        try:
            again = read_destination(coin, other)
        except DestinationWrongError:
            continue  # no destination, and may be an address all the same
        assert read in spellings_of(coin, again) or len(read) == X_ADDRESS_CHARACTERS  # which has a tag


def test_an_account_of_ton_has_flags_and_one_of_xrp_a_tag() -> None:
    seed = lengthened(b"somebody")
    forms = [ton(seed, flags=flags) for flags in (0x11, 0x51, 0x91, 0xD1)]
    for form in forms:
        assert {*forms, f"0:{seed[:32].hex()}"} == set(spellings_of("TON", form))
    for address in (xrp(seed), x_address(seed, 7)):
        assert {xrp(seed), x_address(seed, None)} <= set(spellings_of("XRP", address))
