"""Ways to write one destination: whoever has one of them has the account."""

from collections.abc import Callable, Iterable, Mapping

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from coordinator.addresses import address_key
from providers.shkeeper.destinations import (
    DestinationWrongError,
    read_destination,
    spellings_of,
    usual_spelling,
    why_nobody_pays_to,
)
from providers.shkeeper.texts import base58
from tests.made_destinations import destination, lengthened, ton, x_address, xrp
from tests.providers.shkeeper.destinations.test_destinations import EACH, KINDS, made_for

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


OTHERWISE: Mapping[str, Callable[[str], Iterable[str]]] = {
    "ETH-USDT": lambda address: (address[2:], f"0X{address[2:]}", f"0x{address}", f"ethereum:{address}?value=1"),
    "USDT": lambda address: (f"tron:{address}", base58.decode_checked(address).hex()),
    "TON": lambda address: (
        *spellings_of("TON", address)[:2],
        spellings_of("TON", address)[-1],
        address.replace("-", "+").replace("_", "/"),
    ),
    "XRP": lambda address: (f"{address}?dt=0", *spellings_of("XRP", address)),
    "BTC": lambda address: (f"bitcoin:{address}?amount=1",),
}


@pytest.mark.parametrize("coin", OTHERWISE)
def test_whichever_way_a_gateway_writes_an_address_it_is_compared_as_one(coin: str) -> None:
    address = usual_spelling(coin, destination(coin, "somebody"))
    assert usual_spelling(coin, address) == address
    for other in (f"{address} ", f"\N{NO-BREAK SPACE}{address}", *OTHERWISE[coin](address)):
        assert address_key(usual_spelling(coin, other)) == address_key(address), other


def test_an_old_address_of_litecoin_is_the_new_one_and_what_is_none_stays_as_it_is() -> None:
    account = lengthened(b"somebody")[:20]
    new, old = (base58.encode_checked(version + account) for version in (b"\x32", b"\x05"))
    assert (usual_spelling("LTC", old), usual_spelling("BTC", old)) == (new, old)
    tagged = f"{destination('XRP', 'somebody')}?dt=7"
    for coin, address in (("LTC", "3x"), ("XRP", tagged), ("TON", "UQ"), ("USDT", "41"), ("NEWER", "a:b?c")):
        assert usual_spelling(coin, address) == address


def test_an_account_of_ton_has_flags_and_one_of_xrp_a_tag() -> None:
    seed = lengthened(b"somebody")
    forms = [ton(seed, flags=flags) for flags in (0x11, 0x51, 0x91, 0xD1)]
    for form in forms:
        assert {*forms, f"0:{seed[:32].hex()}"} == set(spellings_of("TON", form))
    for address in (xrp(seed), x_address(seed, 7)):
        assert {xrp(seed), x_address(seed, None)} <= set(spellings_of("XRP", address))


@given(st.binary(min_size=20, max_size=20), st.integers(0, 2**32 - 1))
def test_an_account_of_xrp_with_a_tag_or_without_is_one_destination_however_it_is_written(
    seed: bytes, tag: int
) -> None:
    account, with_tag = xrp(seed), x_address(seed, tag)
    assume(why_nobody_pays_to("XRP", account) is None)
    assert {read_destination("XRP", one) for one in (account, x_address(seed, None))} == {account}
    assert {read_destination("XRP", one) for one in (with_tag, f"{account}:{tag}")} == {with_tag}
    assert len({account, with_tag, read_destination("XRP", f"{account}:{tag ^ 1}")}) == 3


@pytest.mark.parametrize("tag", ["", "x", "-1", "07", str(2**32), "1:2", "1?dt=2"])
def test_what_is_no_tag_of_xrp_is_refused(tag: str) -> None:
    with pytest.raises(DestinationWrongError, match="expected an XRP address"):
        read_destination("XRP", f"{xrp(lengthened(b'somebody'))}:{tag}")


def test_a_mistyped_account_of_xrp_before_a_tag_is_refused() -> None:
    account = xrp(lengthened(b"somebody"))
    mistyped = account[:-1] + ("r" if account[-1] != "r" else "p")
    with pytest.raises(DestinationWrongError, match="checksum does not hold"):
        read_destination("XRP", f"{mistyped}:7")


def test_of_test_networks_a_tag_makes_an_address_of_theirs() -> None:
    account = xrp(lengthened(b"somebody"))
    assert read_destination("XRP", f"{account}:7", test_network=True).startswith("T")
