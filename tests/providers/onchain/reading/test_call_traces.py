"""The traces of a block, each put down to its own transaction, in whatever order and how often they come."""

from typing import Any

import pytest

from providers.onchain.nodes.node import FaultyError
from providers.onchain.reading.call_traces import calls_in
from tests.anvil import ALICE, BOB, CAROL

SENDERS = (ALICE, BOB, CAROL)
TRANSACTIONS = [{"hash": f"0x{number}", "from": one, "gas": "0x5208"} for number, one in enumerate(SENDERS)]
CALLS: list[dict[str, Any]] = [{"type": "CALL", "from": one.lower(), "calls": []} for one in SENDERS]
EXPECTED = {f"0x{number}": call for number, call in enumerate(CALLS)}
NAMED = [{"txHash": f"0x{number}", "result": call} for number, call in enumerate(CALLS)]
UNNAMED = [{"result": call} for call in CALLS]


def test_traces_that_name_their_transactions_come_in_any_order_and_twice() -> None:
    assert calls_in(NAMED, TRANSACTIONS) == EXPECTED
    assert calls_in(NAMED[::-1], TRANSACTIONS) == EXPECTED
    assert calls_in([*NAMED, *NAMED[::-1]], TRANSACTIONS) == EXPECTED


def test_of_half_of_them_the_others_are_not_shown() -> None:
    assert calls_in(NAMED[:1], TRANSACTIONS) == {"0x0": CALLS[0], "0x1": None, "0x2": None}


def test_one_transaction_that_is_traced_in_two_ways_is_no_answer() -> None:
    otherwise = {"txHash": "0x1", "result": CALLS[1] | {"calls": [CALLS[0]]}}
    for answer in ([*NAMED, otherwise], [otherwise, *NAMED], [*NAMED, {"txHash": "0x1", "error": "timeout"}]):
        with pytest.raises(FaultyError, match="its traces are none"):
            calls_in(answer, TRANSACTIONS)


def test_traces_without_names_go_by_their_places_where_their_senders_are_those() -> None:
    assert calls_in(UNNAMED, TRANSACTIONS) == EXPECTED
    for answer in (UNNAMED[::-1], UNNAMED[:2], [*UNNAMED, *UNNAMED]):
        with pytest.raises(FaultyError, match="its traces are none"):
            calls_in(answer, TRANSACTIONS)


def test_without_names_those_that_run_nothing_may_be_left_out() -> None:
    of_the_chain = {"hash": "0x9", "from": ALICE, "gas": "0x0"}
    assert calls_in(UNNAMED, [of_the_chain, *TRANSACTIONS]) == EXPECTED
    assert calls_in([{"result": None}, *UNNAMED], [of_the_chain, *TRANSACTIONS]) == EXPECTED | {"0x9": None}
