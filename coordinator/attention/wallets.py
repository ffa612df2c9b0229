"""Wallets that need a person: those that hold something else than the books say. Pure."""

from coordinator.attention.items import Attention, AttentionKind
from coordinator.books.wallets import WalletComparison
from coordinator.money import ZERO, format_amount

__all__ = ["wallet_attention"]


def wallet_attention(found: WalletComparison) -> Attention | None:
    """That a wallet differs; None if it does not, or only has for a moment."""
    beyond, since = found.last_difference, found.differs_since
    if not found.is_listed or beyond is None or since is None:
        return None
    amount = f"{format_amount(abs(beyond))} {found.coin}"
    is_missing = beyond < ZERO
    says = f"{found.wallet}: {amount} {'less' if is_missing else 'more'} than the books can explain"
    held = f"; it holds {format_amount(found.held)}" if found.held is not None else ""
    return Attention(
        kind=AttentionKind.WALLET_DIFFERS,
        subject=f"{found.wallet}:{found.coin}",
        title=f"{amount} {'are missing in' if is_missing else 'too many are in'} a wallet",
        detail=f"{says}{held}{'' if found.unknown_because is None else f'; now: {found.unknown_because}'}",
        advice=(
            "Look in an explorer what came into the wallet and left it since it agreed last, at /ops/books. If money"
            " left that nobody here sent, hold all payouts, and find out who holds the keys. Note there what moved"
            " without the bridge: a withdrawal of your own, the network's fees, what somebody put in. This goes by"
            " itself once they agree."
        ),
        since=since,
        lasting_detail=says,
    )
