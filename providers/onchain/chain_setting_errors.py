"""Setting errors in the file of chains, in words that name the chain, its setting, and what to write there. Pure."""

from collections.abc import Collection, Sequence
from difflib import get_close_matches

from pydantic_core import ErrorDetails

__all__ = ["explain_setting_error"]

FOR_EXAMPLE = '{ address = "0x…", decimals = 6 }'
EXAMPLES = {
    "chain_id": "chain_id = 1",
    "confirmations": 'confirmations = 12, or "finalized"',
    "block_seconds": "block_seconds = 12",
    "explorer": 'explorer = "https://etherscan.io/tx/{tx_hash}"',
    "tokens": f"tokens.USDT = {FOR_EXAMPLE}",
    "endpoints": 'endpoints = ["https://rpc.example"]',
    "decimals": "decimals = 6",
    "address": 'address = "0x…", or nothing for the chain\'s own coin',
    "name": "a name such as ethereum: small letters, digits and hyphens, 32 at most",
}
# What the library calls a value of another kind than is expected.
EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "string_type": "a text",
    "tuple_type": "a list",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "string_pattern_mismatch": "another name",
}


def explain_setting_error(
    chain: str, place: Sequence[str], fault: ErrorDetails, known: Collection[str], brought: Collection[str]
) -> str:
    """What is wrong at a place in a chain. `known` are the settings that there are there; `brought` the chains that
    come with the bridge, where this is none of them."""
    named, kind = ".".join((chain, *place)), fault["type"]
    if kind == "extra_forbidden":
        likely = get_close_matches(place[-1], known, 1)
        meant = f"did you mean {likely[0]}?" if likely else "take it out."
        return f"{named}: there is no such setting; {meant} There are {', '.join(sorted(known))}"
    if kind == "missing":
        likely = get_close_matches(chain, brought, 1) if place[0] == "chain_id" else []
        meant = f"did you mean [{likely[0]}], which comes with the bridge? Otherwise " if likely else ""
        return f"{named} is missing; {meant}write {_example(place)}"
    if kind == "value_error":
        return f"{named}: {fault['msg'].removeprefix('Value error, ')}"
    said = "a chain needs one token at least" if kind == "too_short" else fault["msg"]
    said = f"expected {EXPECTED[kind]}" if kind in EXPECTED else said
    return f"{named}: {said}; write {_example(place)}"


def _example(place: Sequence[str]) -> str:
    match place:
        case ["tokens", symbol]:
            return f"tokens.{symbol} = {FOR_EXAMPLE}"
        case ["tokens", _, setting]:
            return EXAMPLES.get(setting, f'{setting} = "…", what is meant by it there')
    return EXAMPLES[place[0]]
