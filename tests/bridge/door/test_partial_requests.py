"""What of heads and bodies that have not come whole is kept, in any order of what comes: what there is for all, and
for one address."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from bridge.door.partial_requests import PartialRequests

LIMIT, LIMIT_PER_ADDRESS = 100, 30
NETWORKS = st.sampled_from([None, "a", "b", "c", "d", "e"])
NOTES = st.lists(st.tuples(NETWORKS, st.integers(0, 5), st.integers(0, 60)), max_size=60)

Held = Mapping[tuple[str | None, int], int]


def of(network: str | None, held: Held) -> int:
    return sum(held_bytes for (of_network, _), held_bytes in held.items() if of_network == network)


@given(NOTES)
def test_neither_an_address_nor_all_together_hold_more_than_they_may(
    notes: list[tuple[str | None, int, int]],
) -> None:
    partial_requests: PartialRequests[tuple[str | None, int]] = PartialRequests(LIMIT, LIMIT_PER_ADDRESS)
    held: dict[tuple[str | None, int], int] = {}
    for network, number, held_bytes in notes:
        one = network, number
        partial_requests.note(one, network, held_bytes)
        held.pop(one, None) if not held_bytes else held.update({one: held_bytes})
        while (found := partial_requests.too_much(network))[1]:
            why, [longest, *_] = found
            of_address = of(network, held)
            is_its_own = network is not None and of_address > LIMIT_PER_ADDRESS
            assert is_its_own or sum(held.values()) > LIMIT
            assert longest[0] == network if is_its_own else of(longest[0], held) == max(of(n, held) for n, _ in held)
            assert longest == next(one for one in held if one[0] == longest[0])
            assert (longest[0] or "this machine, or a proxy,") in why
            partial_requests.note(longest, longest[0], 0)
            del held[longest]
        assert sum(held.values()) <= LIMIT
        assert network is None or of(network, held) <= LIMIT_PER_ADDRESS
