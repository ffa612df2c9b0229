"""Whether an answer is one to its question."""

from typing import Any

import pytest

from providers.onchain.nodes.fitting import misfit

TX = "0x" + "Ab" * 32
BLOCK, TRANSACTION, RECEIPT = "eth_getBlockByNumber", "eth_getTransactionByHash", "eth_getTransactionReceipt"


@pytest.mark.parametrize(
    ("method", "asked", "answer"),
    [
        (BLOCK, "0x10", {"number": "0x10"}),
        (BLOCK, "0x10", {"number": "0x0010"}),
        (BLOCK, "latest", {"number": "0x10"}),
        (BLOCK, "finalized", {}),
        (BLOCK, "0x10", None),
        (TRANSACTION, TX, {"hash": TX.lower()}),
        (RECEIPT, TX, {"transactionHash": TX}),
        (RECEIPT, TX, None),
        ("eth_getLogs", {"blockHash": TX}, []),
        ("eth_chainId", None, "0x1"),
    ],
)
def test_an_answer_fits_that_is_about_what_was_asked_for_or_that_nothing_is_there(
    method: str, asked: Any, answer: Any
) -> None:
    assert misfit(method, () if asked is None else (asked, False), answer) is None


@pytest.mark.parametrize(
    ("method", "asked", "answer", "said"),
    [
        (BLOCK, "0x10", {"number": "0x11"}, "its block 16 is another"),
        (BLOCK, "0x10", {"number": 16}, "its block 16 is another"),
        (BLOCK, "0x10", {}, "its block 16 is another"),
        (BLOCK, "0x10", [], "what it answers is no block"),
        (BLOCK, "latest", "0x10", "what it answers is no block"),
        (TRANSACTION, TX, [{"hash": TX}], "what it answers is no transaction"),
        (RECEIPT, TX, "0x1", "what it answers is no receipt"),
        (RECEIPT, TX, False, "what it answers is no receipt"),
        (TRANSACTION, TX, {"hash": "0x1"}, f"it answers about another transaction than {TX}"),
        (TRANSACTION, TX, {}, f"it answers about another transaction than {TX}"),
        (RECEIPT, TX, {"hash": TX}, f"it answers about another transaction than {TX}"),
    ],
)
def test_an_answer_about_another_block_or_transaction_does_not_fit(
    method: str, asked: str, answer: Any, said: str
) -> None:
    assert misfit(method, (asked, False), answer) == said
