"""Following a chain over its forks: whatever happens, a payment ends where the chain that remains says."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from coordinator.payments.agreed.agreements import DirectPayment
from coordinator.payments.deciding.decisions import decide
from coordinator.payments.observed.observations import Stage, TransferSighted
from coordinator.payments.payments import Payment, PaymentStatus
from providers.onchain.blocks.canonical import BlockId, judge
from providers.onchain.blocks.transfers import ChainTransfer
from providers.onchain.chains import Token
from providers.onchain.matching.followed_tokens import FollowedToken
from providers.onchain.matching.following import leapt, lowered, parted, settled, taken_back, went_on
from providers.onchain.matching.matching import Subject
from providers.onchain.matching.position import Finality, Following, Paying, Sighted

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
USDT = Token(symbol="USDT", decimals=0)
CONFIRMATIONS = 3
FINALITY = Finality(CONFIRMATIONS)
PAYMENT = Payment(
    payment_id="pay_1",
    provider="onchain",
    external_id="pay_1",
    request_id="r1",
    buyer_id="b1",
    seller_id="s1",
    amount=Decimal(100),
    currency="USDT",
    created_at=NOW - timedelta(hours=1),
    direct=DirectPayment(chain="anvil", recipient="0xA"),
)


def paying(tx_hash: str, block: BlockId, units: int = 100, *, log_index: int = 0) -> Paying:
    transfer = ChainTransfer(tx_hash, USDT, "0xB", "0xA", units, block, log_index=log_index)
    return Paying(Subject("payment", "pay_1"), transfer, NOW)


def apply(payment: Payment, reported: tuple[Sighted, ...]) -> Payment:
    for one in reported:
        payment = decide(payment, TransferSighted(sighting=one.sighting), NOW).payment
    return payment


def block(number: int, fork: str = "a") -> BlockId:
    return BlockId(number=number, hash=f"0x{number}{fork}")


def test_confirmations_are_counted_until_the_transfer_is_final() -> None:
    following, reported = went_on(Following(), block(1), [paying("0x1", block(1))], FINALITY)
    counted = [reported]
    for number in (2, 3, 4):
        following, reported = went_on(following, block(number), [], FINALITY)
        counted.append(reported)
    assert [[(one.sighting.confirmations, one.sighting.stage) for one in reported] for reported in counted] == [
        [(1, Stage.MINED)],
        [(2, Stage.MINED)],
        [(3, Stage.FINAL)],
        [],
    ]
    assert following.awaited == ()


def test_what_the_chain_calls_finalized_is_final_at_any_depth() -> None:
    following, [one] = went_on(Following(), block(7), [paying("0x1", block(7))], Finality(None, 6))
    assert one.sighting.stage is Stage.MINED
    following, [one] = went_on(following, block(8), [], Finality(None, 7))
    assert one.sighting.stage is Stage.FINAL


def test_a_block_that_vanishes_takes_its_transfers_back_and_others_a_confirmation() -> None:
    following, _ = went_on(Following(), block(1), [paying("0x1", block(1), 40)], Finality(9))
    following, _ = went_on(following, block(2), [paying("0x2", block(2), 60)], Finality(9))
    following, reported = taken_back(following)
    by_id = {one.sighting.transfer.tx_hash: one.sighting for one in reported}
    assert (by_id["0x1"].stage, by_id["0x1"].confirmations) == (Stage.MINED, 1)
    assert (by_id["0x2"].stage, by_id["0x2"].reason is None) == (Stage.REORGANISED, False)
    assert following.canonical.head == block(1)


def test_where_a_chain_parted_what_lies_below_stays_and_what_lies_above_is_gone() -> None:
    waits = Finality(CONFIRMATIONS, held={paying("0x1", block(2)).transfer.transfer_id: "it waits"})
    following, _ = went_on(Following(), block(1), [], waits)
    for number, found in ((2, [paying("0x1", block(2))]), *((number, []) for number in range(3, 40))):
        following, _ = went_on(following, block(number), found, waits)
    following, _ = went_on(following, block(40), [paying("0x2", block(40))], waits)
    common = following.known_up_to(20)
    assert common is not None
    assert 2 <= common.number < following.canonical.blocks[0].number  # it is a landmark
    following, reported = parted(following, common)
    by_id = {one.sighting.transfer.tx_hash: one.sighting for one in reported}
    assert (by_id["0x1"].stage, by_id["0x1"].confirmations) == (Stage.MINED, common.number - 1)
    assert by_id["0x2"].stage is Stage.REORGANISED
    assert [one.sighting.transfer.tx_hash for one in following.awaited] == ["0x1"]
    assert (following.next_number, following.canonical.head, following.final_number) == (
        common.number + 1,
        common,
        common.number,
    )
    following, _ = went_on(following, block(common.number + 1, "b"), [], FINALITY)
    assert following.known[-2:] == (common, block(common.number + 1, "b"))


def test_where_nothing_says_how_far_a_chain_went_back_all_above_is_to_be_read_again() -> None:
    left = FollowedToken("DAI", "0xD", 18, next_number=90, is_left=True)
    following = Following(100, checked_number=95, landmarks=(block(20), block(80)), tokens=(left,))
    lower = lowered(following, 50)
    assert (lower.next_number, lower.checked_number, lower.known) == (50, 49, (block(20),))
    assert [one.next_number for one in lower.tokens] == [50]
    assert lowered(following, 200) == following


def test_what_was_final_once_stays_known_to_be_whatever_is_taken_back() -> None:
    following, _ = leapt(Following(), block(100), [], FINALITY, head=110, is_checked=True)
    assert following.final_number == 100  # although the blocks above it are not followed yet
    following, _ = taken_back(following)
    assert following.final_number == 100
    following, _ = went_on(following, block(100, "b"), [], FINALITY)
    assert following.final_number == 100
    # An endpoint that is behind calls less final than was said before.
    following, _ = went_on(Following(), block(8), [paying("0x1", block(8))], Finality(None, 7))
    following, _ = went_on(following, block(9), [], Finality(None, 5))
    assert following.final_number == 7


def test_what_is_held_is_not_final_however_deep_it_is_and_is_settled_without_another_block() -> None:
    [transfer_id] = [paying("0x1", block(1)).transfer.transfer_id]
    held = Finality(CONFIRMATIONS, held={transfer_id: "it waits"})
    following, _ = went_on(Following(), block(1), [paying("0x1", block(1))], held)
    for number in (2, 3, 4):
        following, [one] = went_on(following, block(number), [], held)
    assert (one.sighting.stage, one.sighting.confirmations, one.sighting.reason) == (Stage.MINED, 4, "it waits")
    following, [one] = leapt(following, block(100), [], held, head=110, is_checked=True)  # over many blocks too
    assert (one.sighting.stage, following.awaited) == (Stage.MINED, (one,))
    following, [one] = settled(following, FINALITY)
    assert (one.sighting.stage, one.sighting.reason, following.awaited) == (Stage.FINAL, None, ())
    assert following.next_number == 101


# Each step: how many of the newest blocks are replaced, and which of two transfers the new block holds.
steps = st.lists(
    st.tuples(st.integers(0, CONFIRMATIONS - 1), st.sets(st.sampled_from(["0x1", "0x2"]))), min_size=1, max_size=14
)


@given(steps)
def test_a_payment_ends_where_the_chain_that_remains_says(steps: list[tuple[int, set[str]]]) -> None:
    following, payment = Following(), PAYMENT
    chain: list[tuple[BlockId, set[str]]] = []
    final: set[str] = set()
    for number, (replaced, wanted) in enumerate(steps):
        chain = chain[: max(len(chain) - replaced, 0)]
        held = {tx_hash for _, hashes in chain for tx_hash in hashes}
        chain.append((block(len(chain) + 1, f"-{number}"), wanted - held - final))
        while following.canonical.head != chain[-1][0]:
            head = following.canonical.head
            at = 1 if head is None else min(head.number + 1, len(chain))
            parent = chain[at - 2][0].hash if at > 1 else ""
            if judge(following.canonical, at, parent).kind == "extends":
                new, hashes = chain[at - 1]
                # On each fork they stand at other places, as transactions of others are between them.
                placed = enumerate(sorted(hashes), start=number)
                found = [paying(tx_hash, new, 50, log_index=place) for place, tx_hash in placed]
                following, reported = went_on(following, new, found, FINALITY)
            else:
                following, reported = taken_back(following)
            payment = apply(payment, reported)
        depth = {tx_hash: len(chain) - place for place, (_, hashes) in enumerate(chain) for tx_hash in hashes}
        final |= {tx_hash for tx_hash, blocks in depth.items() if blocks >= CONFIRMATIONS}
        shallow = {tx_hash: blocks for tx_hash, blocks in depth.items() if tx_hash not in final}

        assert sorted(transfer.tx_hash for transfer in payment.confirmed) == sorted(final)
        assert sorted(transfer.tx_hash for transfer in payment.in_flight) == sorted(shallow)
        assert payment.awaited is None or payment.awaited.confirmations == min(shallow.values())
        expected = {2: PaymentStatus.COMPLETED, 1: PaymentStatus.PARTIALLY_PAID}
        otherwise = PaymentStatus.CONFIRMING if shallow else PaymentStatus.PENDING
        assert payment.status is expected.get(len(final), otherwise)
