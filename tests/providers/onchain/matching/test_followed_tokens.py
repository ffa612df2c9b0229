"""The tokens of a chain over changes of its configuration."""

from providers.onchain.chains import Token
from providers.onchain.matching.followed_tokens import FollowedToken, changed, cut_back, reconciled

USDT = Token(symbol="USDT", decimals=6, address="0xdAC17F958D2ee523a2206206994597C13D831ec7")
ETH = Token(symbol="ETH", decimals=18)
AS_FAR = tuple(FollowedToken(one.symbol, one.address, one.decimals) for one in (USDT, ETH))


def test_all_tokens_were_read_as_far_as_the_chain_where_nothing_else_was_kept() -> None:
    assert reconciled((), [USDT, ETH], 100) == AS_FAR
    assert reconciled(AS_FAR, [USDT, ETH], 200) == AS_FAR


def test_a_token_is_read_from_where_it_was_left_up_to_where_it_came_back() -> None:
    _, left = without = reconciled(AS_FAR, [ETH], 100)
    assert (left.symbol, left.next_number, left.is_late) == ("USDT", 100, False)
    assert reconciled(without, [ETH], 150)[1] == left
    back, _ = reconciled(without, [USDT, ETH], 200)
    assert (back.next_number, back.until_number, back.is_late) == (100, 200, True)
    # It is left again before it has caught up.
    _, again = reconciled((back, AS_FAR[1]), [ETH], 300)
    assert (again.next_number, again.is_late) == (100, False)


def test_a_token_that_was_never_followed_is_read_from_where_nobody_knows_yet() -> None:
    _, new = reconciled(AS_FAR[:1], [USDT, ETH], 100)
    assert (new.next_number, new.until_number, new.is_late) == (None, 100, True)


def test_none_was_read_further_than_where_its_chain_went_back_to() -> None:
    _, left = reconciled(AS_FAR, [ETH], 100)
    assert [one.next_number for one in cut_back([left, AS_FAR[1]], 90)] == [90, None]


def test_other_decimals_and_another_contract_are_changes() -> None:
    other = USDT.model_copy(update={"decimals": 18})
    elsewhere = USDT.model_copy(update={"address": "0x6B175474E89094C44Da98b954EedeAC495271d0F"})
    assert changed(AS_FAR, [USDT, ETH]) == []
    assert changed(AS_FAR, [ETH]) == []
    assert changed(AS_FAR, [other, ETH]) == [(AS_FAR[0], other)]
    assert changed(AS_FAR, [elsewhere, ETH]) == [(AS_FAR[0], elsewhere)]
    left = reconciled(AS_FAR, [ETH], 100)
    assert [before.symbol for before, _ in changed(left, [other, ETH])] == ["USDT"]
    assert changed(reconciled(AS_FAR, [elsewhere, ETH], 100), [elsewhere, ETH]) == []
