"""Which block descends from which, by hashes that real chains made."""

from typing import Any

import pytest

from providers.onchain.blocks.ancestry import BLOCKS_LIMIT, Ancestry, is_hash_of
from providers.onchain.blocks.canonical import BlockId
from tests.anvil import CAROL, Anvil

EMPTY = "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
# Ethereum's first block.
GENESIS = {
    "parentHash": "0x" + "0" * 64,
    "sha3Uncles": "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347",
    "miner": "0x" + "0" * 40,
    "stateRoot": "0xd7f8974fb5ac78d9ac099b9ad5018bedc2ce0a72dad1827a1709da30580f0544",
    "transactionsRoot": EMPTY,
    "receiptsRoot": EMPTY,
    "logsBloom": "0x" + "0" * 512,
    "difficulty": "0x400000000",
    "number": "0x0",
    "gasLimit": "0x1388",
    "gasUsed": "0x0",
    "timestamp": "0x0",
    "extraData": "0x11bbe8db4e347b4e8c937c1c8370e4b5ed33adb3db69cbdb7a38e1e50b1b82fa",
    "mixHash": "0x" + "0" * 64,
    "nonce": "0x0000000000000042",
}
GENESIS_HASH = "0xd4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3"


def noted(ancestry: Ancestry, content: dict[str, Any]) -> BlockId:
    block = BlockId(number=int(content["number"], 16), hash=content["hash"])
    ancestry.note(block, content)
    return block


def chain_of(anvil: Anvil, blocks: int) -> list[dict[str, Any]]:
    anvil.mine(blocks)
    newest = anvil.head()
    return [anvil.ask("eth_getBlockByNumber", hex(one), False) for one in range(newest - blocks + 1, newest + 1)]


def test_a_hash_is_made_of_what_a_header_says() -> None:
    assert is_hash_of(GENESIS_HASH, GENESIS)
    for name, value in (("nonce", "0x0000000000000043"), ("gasUsed", "0x"), ("miner", None), ("extraData", "0x1")):
        assert not is_hash_of(GENESIS_HASH, GENESIS | {name: value})


def test_a_block_has_those_below_it(anvil: Anvil) -> None:
    ancestry = Ancestry()
    first, *_, last = [noted(ancestry, content) for content in chain_of(anvil, 3)]
    assert ancestry.descendant(first, last.number) == last.hash
    assert ancestry.descendant(first, first.number) == first.hash
    assert ancestry.descendant(first, last.number + 1) is None
    assert ancestry.descendant(BlockId(number=first.number, hash=GENESIS_HASH), last.number) is None


@pytest.mark.parametrize("change", [{"miner": CAROL}, {"extraData": "0x" + "0" * 40_000}, {"nonce": None}])
def test_a_header_that_is_not_what_its_hash_is_made_of_proves_nothing(anvil: Anvil, change: dict[str, Any]) -> None:
    ancestry = Ancestry()
    before, after = chain_of(anvil, 2)
    first, last = noted(ancestry, before), noted(ancestry, after | change)
    assert ancestry.descendant(first, last.number) is None


def test_a_block_comes_in_place_of_another_of_its_number(anvil: Anvil) -> None:
    ancestry = Ancestry()
    before, after = chain_of(anvil, 2)
    first, last = noted(ancestry, before), noted(ancestry, after)
    noted(ancestry, after | {"hash": GENESIS_HASH})
    assert ancestry.descendant(first, last.number) is None
    noted(ancestry, after)
    assert ancestry.descendant(first, last.number) == last.hash


def test_only_so_many_blocks_are_remembered() -> None:
    ancestry = Ancestry()
    for number in range(BLOCKS_LIMIT + 1):
        noted(ancestry, GENESIS | {"number": hex(number), "hash": GENESIS_HASH})
    assert len(ancestry._shown) == BLOCKS_LIMIT
