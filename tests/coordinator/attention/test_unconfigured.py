"""What waits at providers that the configuration does not set up any more: one item for each, which says what."""

from datetime import UTC, datetime, timedelta

from coordinator.attention.items import AttentionKind
from coordinator.attention.unconfigured import AtProvider, Lacking, WaitingKind, provider_unset

NOW = datetime(2026, 5, 1, tzinfo=UTC)
LACKING = {"cards": Lacking("is cards_url set?", "is cards_pays_out set?")}


def test_each_provider_has_one_item_which_says_what_waits_and_what_may_be_missing() -> None:
    waiting = [
        AtProvider("gone", WaitingKind.PAYOUT, 2, NOW, NOW),
        AtProvider("cards", WaitingKind.REFUND, 1, NOW - timedelta(hours=1), NOW),
        AtProvider("cards", WaitingKind.PAYOUT, 1, NOW, NOW),
        AtProvider("cards", WaitingKind.PAYMENT, 1, NOW, NOW),
    ]
    cards, gone = provider_unset(waiting, LACKING)
    assert (cards.kind, cards.subject, cards.since) == (
        AttentionKind.PROVIDER_UNSET,
        "cards",
        NOW - timedelta(hours=1),
    )
    assert cards.detail == (
        "1 payment waits to be asked about, and this bridge asks cards nothing (is cards_url set?);"
        " 1 payout and 1 refund wait to be sent, and this bridge sends nothing through cards (is cards_pays_out set?)"
    )
    assert gone.detail == (
        "2 payouts wait to be sent, and this bridge sends nothing through gone (no provider of that name is"
        " installed)"
    )


def test_where_nothing_waits_nobody_is_told() -> None:
    assert provider_unset([], LACKING) == []
