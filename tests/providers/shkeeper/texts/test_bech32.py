"""Bech32 and Bech32m, with the vectors of BIP 173 and BIP 350."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.shkeeper.texts.bech32 import Bech32Error, Checksum, as_bytes, as_groups, decode, encode

BECH32 = [
    "A12UEL5L",
    "a12uel5l",
    "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
    "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
    "11qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqc8247j",
    "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w",
    "?1ezyfcl",
]
BECH32M = [
    "A1LQFN3A",
    "a1lqfn3a",
    "an83characterlonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11sg7hg6",
    "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx",
    "11llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllludsr8",
    "split1checkupstagehandshakeupstreamerranterredcaperredlc445v",
    "?1v759aa",
]
NEITHER = [
    "\x201nwldj5",
    "\x7f1axkwrx",
    "\x801eym55h",
    "an84characterslonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1569pvx",
    "pzry9x0s0muk",
    "1pzry9x0s0muk",
    "x1b4n0q5v",
    "li1dgmt3",
    "de1lg7wt\xff",
    "A1G7SGD8",
    "10a06t8",
    "1qzzfhee",
    "\x201xj0phk",
    "\x7f1g6xzxy",
    "\x801vctc34",
    "an84characterslonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11d6pts4",
    "qyrz8wqd2c9m",
    "1qyrz8wqd2c9m",
    "y1b0jsk6g",
    "lt1igcx5c0",
    "in1muywd",
    "mm1crxm3i",
    "au1s5cgom",
    "M1VUXWEZ",
    "16plkw9",
    "1p2gdwpf",
    "a12UEL5L",  # mixed
    "",
]


@pytest.mark.parametrize(
    ("text", "checksum"),
    [*((text, Checksum.BECH32) for text in BECH32), *((text, Checksum.BECH32M) for text in BECH32M)],
)
def test_what_the_specifications_call_valid_is_read_and_written_again(text: str, checksum: Checksum) -> None:
    read = decode(text)
    assert read.checksum is checksum
    assert encode(read.prefix, read.groups, checksum) == text.lower()


@pytest.mark.parametrize("text", NEITHER)
def test_what_the_specifications_call_invalid_is_refused(text: str) -> None:
    with pytest.raises(Bech32Error):
        decode(text)


@given(st.binary(max_size=60))
def test_bytes_come_back_from_their_groups(content: bytes) -> None:
    assert as_bytes(as_groups(content)) == content


@given(st.binary(min_size=10, max_size=10), st.integers(0, 31))
def test_a_group_too_many_is_refused(content: bytes, group: int) -> None:
    with pytest.raises(Bech32Error):
        as_bytes([*as_groups(content), group])


@given(st.binary(min_size=20, max_size=20), st.integers(1, 15))
def test_bits_that_are_left_over_must_be_zero(content: bytes, bits: int) -> None:
    groups = as_groups(content + b"\x00")  # 168 bits in 34 groups, so that two are left over
    with pytest.raises(Bech32Error):
        as_bytes([*groups[:-1], groups[-1] | bits & 3 or 1])
