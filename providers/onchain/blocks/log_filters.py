"""Which logs are asked for, whether a block can hold some of them, and whether two answers are alike. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from providers.onchain.blocks.bloom import may_contain
from providers.onchain.blocks.transfers import TRANSFER_TOPIC, topic_of

__all__ = ["contents", "may_hold", "transfer_filter"]


def transfer_filter(
    addresses: Sequence[str], recipients: Sequence[str] | None, senders: Sequence[str] | None = None
) -> dict[str, Any]:
    """Which logs are asked for: the transfers of these tokens, from these senders and to these recipients, of whom
    either are named or all are meant."""
    parties = [None if some is None else [topic_of(one) for one in some] for some in (senders, recipients)]
    while parties and parties[-1] is None:
        parties.pop()
    return {"address": list(addresses), "topics": [TRANSFER_TOPIC, *parties]}


def may_hold(bloom: str, addresses: Sequence[str], recipients: Sequence[str] | None) -> bool:
    """Whether a block with this bloom filter may hold transfers of these tokens to these recipients."""
    if not any(may_contain(bloom, address, TRANSFER_TOPIC) for address in addresses):
        return False
    return recipients is None or any(may_contain(bloom, topic_of(recipient)) for recipient in recipients)


def contents(logs: Sequence[Any]) -> set[tuple[str, ...]]:
    """What the logs say of transfers, however often each was told, and in whatever order."""
    names = ("blockHash", "logIndex", "transactionHash", "address", "topics", "data")
    known = [log if isinstance(log, Mapping) else {} for log in logs]
    return {tuple(str(log.get(name)).lower() for name in names) for log in known if not log.get("removed")}
