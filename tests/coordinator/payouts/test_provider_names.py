"""Names of payouts at a provider that several installations have payouts sent through."""

from itertools import product

from coordinator.payouts.provider_names import NAMES_BEYOND, Installation, NamedShare
from tests.bridge.workers.conftest import payment

ONE, OTHER, OLDER = Installation("a" * 16), Installation("b" * 16), Installation("c" * 16, has_plain_names=True)
SELLERS = ("s1", "s2", None)


def asked_for(share: NamedShare, known: set[str]) -> list[str]:
    said: dict[str, bool] = {}
    while (name := share.next_to_ask([], said)) is not None:
        said[name] = name in known
    return list(said)


def test_names_of_two_installations_never_meet_nor_do_those_of_two_shares() -> None:
    shares = [NamedShare(payment(), seller, one) for seller, one in product(SELLERS, (ONE, OTHER, OLDER))]
    names = [share.name(number) for share in shares for number in range(5)]
    plain = [NamedShare(payment(), seller, ONE).plain_name(number) for seller in SELLERS for number in range(5)]
    assert len({*names, *plain}) == len(names) + len(plain)


def test_what_an_older_bridge_may_have_asked_for_is_asked_for_by_its_names_too() -> None:
    older, new = NamedShare(payment(), "s1", OLDER), NamedShare(payment(), "s1", ONE)
    assert asked_for(new, {new.plain_name(0)}) == [new.name(number) for number in range(NAMES_BEYOND)]
    sent = {older.name(1), older.plain_name(0), older.plain_name(2)}
    assert asked_for(older, sent) == [
        *(older.name(number) for number in range(2 + NAMES_BEYOND)),
        *(older.plain_name(number) for number in range(3 + NAMES_BEYOND)),
    ]
