"""Base58, with the vectors of the IETF's draft and what everybody knows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.shkeeper.texts.base58 import (
    BITCOINS,
    RIPPLES,
    Base58Error,
    decode,
    decode_checked,
    encode,
    encode_checked,
)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", ""),
        (b"Hello World!", "2NEpo7TZRRrLZSi2U"),
        (
            b"The quick brown fox jumps over the lazy dog.",
            "USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z",
        ),
        (bytes.fromhex("0000287fb4cd"), "11233QC4"),
    ],
)
def test_the_vectors_of_the_draft_are_written_and_read(content: bytes, text: str) -> None:
    assert encode(content) == text
    assert decode(text) == content


@given(st.binary(max_size=60), st.sampled_from([BITCOINS, RIPPLES]))
def test_bytes_come_back_from_their_text(content: bytes, alphabet: str) -> None:
    assert decode(encode(content, alphabet), alphabet) == content
    assert decode_checked(encode_checked(content + b"x", alphabet), alphabet) == content + b"x"


@pytest.mark.parametrize(
    "text", ["", "1", "1111", "0", "O", "l", "I", "é", " 1", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb"]
)
def test_what_is_no_base58_or_has_no_good_checksum_is_refused(text: str) -> None:
    with pytest.raises(Base58Error):
        decode_checked(text)


def test_the_first_address_of_all_is_read() -> None:
    content = decode_checked("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa")
    assert content.hex() == "0062e907b15cbf27d5425399ebf6f0fb50ebb88f18"
