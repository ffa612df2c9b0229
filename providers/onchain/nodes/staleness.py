"""Staleness: whether a chain stands still, or is ahead of this machine's clock, by how old its newest block is, and
the newest that it calls finalized. Pure."""

from datetime import datetime, timedelta

from providers.onchain.chains import Chain, host_of

__all__ = ["staleness"]

# A chain makes no block for some blocks' time now and then.
LATE_BLOCKS = 10
LATE_AT_LEAST = timedelta(minutes=2)
# Whoever makes blocks has a clock that is right but for seconds. Where this machine's is behind, money of before a
# payment would pass for its own.
AHEAD_AT_MOST = timedelta(minutes=10)
# Ethereum calls a block finalized after a quarter of an hour, what is built upon it after half an hour.
FINALIZED_LATE = timedelta(hours=1)


def staleness(chain: Chain, head_at: datetime | None, finalized_at: datetime | None, now: datetime) -> str | None:
    """What stands still, or is ahead of its time; None if nothing is, or nothing is known yet."""
    if head_at is None:
        return None
    allowed = max(LATE_AT_LEAST, timedelta(seconds=LATE_BLOCKS * chain.block_seconds))
    if now - head_at > allowed:
        return (
            f"its newest block is {_spelt(now - head_at)} old, and one takes about {chain.block_seconds:g} s"
            f" ({_asked(chain)})"
        )
    if head_at - now > AHEAD_AT_MOST:
        return (
            f"its newest block is {_spelt(head_at - now)} ahead of this machine's clock: set that right, or take the"
            " endpoint out that is wrong, since by their times it is told which money is of before a payment"
        )
    if finalized_at is not None and head_at - finalized_at > FINALIZED_LATE:
        older = _spelt(head_at - finalized_at)
        return f"the newest block that it calls finalized is {older} older than its newest ({_asked(chain)})"
    return None


def _asked(chain: Chain) -> str:
    """Which endpoints say so: all that there are."""
    return f"by {', '.join(host_of(one.get_secret_value()) for one in chain.endpoints)}"


def _spelt(age: timedelta) -> str:
    minutes = int(age.total_seconds()) // 60
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days"
