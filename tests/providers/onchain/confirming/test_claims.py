"""What a transaction that is said to pay means for whoever waits."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from providers.onchain.blocks.canonical import BlockId
from providers.onchain.blocks.transfers import ChainTransfer
from providers.onchain.chains import Chain, Token
from providers.onchain.confirming.claim_rounds import ClaimRounds
from providers.onchain.confirming.claims import ClaimVerdict, Lookup, judge_claim
from providers.onchain.matching.matching import Subject, Watched
from providers.onchain.nodes.rpc import ChainRpc
from tests.anvil import BOB, CAROL

USDT, USDC = Token(symbol="USDT", decimals=6, address=BOB), Token(symbol="USDC", decimals=6, address=CAROL)
SINCE = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
CHAIN = Chain(name="anvil", chain_id=1, confirmations=3, block_seconds=1, tokens=(USDT, USDC))
BLOCK = BlockId(number=5, hash="0xb5")
PAYMENT = Watched(Subject("payment", "pay_1"), "0xA", "USDT", 100, SINCE)


def transfer(recipient: str = "0xA", *, token: Token = USDT, sender: str = "0xB") -> ChainTransfer:
    return ChainTransfer("0x1", token, sender, recipient, 100, BLOCK)


def lookup(
    *transfers: ChainTransfer, block: BlockId | None = BLOCK, minutes: int = 1, failed: bool = False
) -> Lookup:
    made_at = SINCE + timedelta(minutes=minutes)
    return Lookup("0x1", "0xB", 7, block, made_at, has_failed=failed, transfers=transfers)


@pytest.mark.parametrize(
    ("found", "verdict", "reason"),
    [
        (Lookup("0x1"), ClaimVerdict.UNKNOWN, None),
        (lookup(block=None), ClaimVerdict.PENDING, None),
        (lookup(transfer(), block=None), ClaimVerdict.PENDING, None),
        (lookup(transfer()), ClaimVerdict.PAYS, None),
        (lookup(transfer("0xC"), transfer()), ClaimVerdict.PAYS, None),
        (lookup(failed=True), ClaimVerdict.FAILED, "the transaction failed"),
        (lookup(), ClaimVerdict.FAILED, "it moves no USDT"),
        # What contracts sent on in it may be the payment, but no node shows it.
        (dataclasses.replace(lookup(), is_untraced=True), ClaimVerdict.PENDING, None),
        (dataclasses.replace(lookup(transfer()), is_untraced=True), ClaimVerdict.PAYS, None),
        (lookup(transfer("0xC")), ClaimVerdict.FAILED, "it pays 0xC, not 0xA"),
        (lookup(transfer(token=USDC)), ClaimVerdict.FAILED, "it carries USDC, but USDT is waited for"),
        (lookup(transfer(), minutes=-9), ClaimVerdict.FAILED, "it was mined before the payment was registered"),
    ],
)
def test_what_a_transaction_means_for_a_payment(found: Lookup, verdict: ClaimVerdict, reason: str | None) -> None:
    finding = judge_claim(PAYMENT, found)
    assert (finding.verdict, finding.reason) == (verdict, reason)
    assert [one.recipient for one in finding.transfers] == ["0xA"] * len(finding.transfers)


def test_money_of_another_payer_is_not_a_payments_and_an_older_transaction_may_be_a_payouts() -> None:
    of_payer = Watched(Subject("payment", "pay_1"), "0xA", "USDT", 100, SINCE, payer="0xC")
    assert judge_claim(of_payer, lookup(transfer())).reason == "it is sent by 0xB, not by 0xC"
    payout = Watched(Subject("payout", "out_1"), "0xA", "USDT", 100, SINCE)
    assert judge_claim(payout, lookup(transfer(), minutes=-9)).verdict is ClaimVerdict.PAYS


def test_whom_it_pays_instead_and_who_sent_it_instead_is_said_to_look_like_who_should_have() -> None:
    meant, alike = "0x9C1bc3C3cdee47e5c7Cc6311748241eF4356feeA", "0x9C1b000000000000000000000000000000000eeA"
    payout = Watched(Subject("payout", "out_1"), meant, "USDT", 100, SINCE, payer=meant)
    paid = judge_claim(payout, lookup(transfer(alike)))
    assert paid.reason == f"it pays {alike}, not {meant}, which it was made to look like"
    sent = judge_claim(payout, lookup(transfer(meant, sender=alike)))
    assert sent.reason == f"it is sent by {alike}, not by {meant}, which it was made to look like"


def test_what_is_claimed_for_those_who_wait_no_more_is_forgotten() -> None:
    rounds = ClaimRounds(ChainRpc(CHAIN), CHAIN, forgotten_after_blocks=9)
    others = dataclasses.replace(PAYMENT, subject=Subject("payment", "pay_2"))
    for one in (PAYMENT, others):
        rounds.add(dataclasses.replace(one, claims=frozenset({"0x1", "0x2"})), head=1)
        rounds.add(
            dataclasses.replace(one, claims=frozenset({"0x1", "0x2"})), head=2
        )  # once, however often it is said
    assert len(rounds) == 4
    rounds.retain([others])
    assert {claim.watched.subject for claim in rounds.due(head=9)} == {others.subject}
    assert len(rounds) == 2
