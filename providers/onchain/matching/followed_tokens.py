"""The tokens of a chain, and up to where each was read. One that was taken out of the configuration and put back is
read from where it was left. Pure.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from providers.onchain.chains import Token

__all__ = ["FollowedToken", "changed", "cut_back", "reconciled"]


@dataclass(frozen=True, slots=True)
class FollowedToken:
    """A token that is, or was, followed."""

    symbol: str
    address: str | None
    decimals: int
    next_number: int | None = None
    """The block to go on with, of one that is not read as far as its chain; None where that is not known yet."""
    until_number: int | None = None
    """Up to which block it is still to be read, apart from the others, to be followed with them."""
    is_left: bool = False
    """Whether the configuration does not have it any more."""

    @property
    def is_late(self) -> bool:
        """Whether blocks are still to be read for it alone."""
        return not self.is_left and self.until_number is not None

    def is_of(self, token: Token) -> bool:
        """Whether it is this one: the same contract, called the same."""
        return (self.symbol, self.address) == (token.symbol, token.address)


def reconciled(
    known: Sequence[FollowedToken], configured: Iterable[Token], next_number: int
) -> tuple[FollowedToken, ...]:
    """The tokens of a chain whose next block is this one, after the configuration may have changed. Where none are
    known, a bridge wrote it that read all it had."""
    tokens = list(configured)
    if not known:
        return tuple(FollowedToken(one.symbol, one.address, one.decimals) for one in tokens)
    there = [_there(one, known, next_number) for one in tokens]
    gone = [one for one in known if not any(one.is_of(token) for token in tokens)]
    return (*there, *(_left(one, next_number) for one in gone))


def _there(token: Token, known: Iterable[FollowedToken], next_number: int) -> FollowedToken:
    before = next((one for one in known if one.is_of(token)), None)
    if before is None:
        return FollowedToken(token.symbol, token.address, token.decimals, until_number=next_number)
    if before.is_left:
        return replace(before, decimals=token.decimals, until_number=next_number, is_left=False)
    return replace(before, decimals=token.decimals)


def _left(token: FollowedToken, next_number: int) -> FollowedToken:
    if token.is_left or token.is_late:
        return replace(token, is_left=True, until_number=None)  # it was not read further than before
    return replace(token, is_left=True, next_number=next_number)


def cut_back(tokens: Iterable[FollowedToken], next_number: int) -> tuple[FollowedToken, ...]:
    """After the chain went back to this block: none was read further."""
    return tuple(
        one if one.next_number is None else replace(one, next_number=min(one.next_number, next_number))
        for one in tokens
    )


def changed(known: Iterable[FollowedToken], configured: Sequence[Token]) -> list[tuple[FollowedToken, Token]]:
    """What is called as before and is something else now, with what it was: of other decimals, or of another
    contract."""
    found = []
    for before in known:
        now = next((one for one in configured if one.symbol == before.symbol), None)
        if now is None:
            continue
        is_other = now.decimals != before.decimals if before.is_of(now) else not before.is_left
        if is_other:
            found.append((before, now))
    return found
