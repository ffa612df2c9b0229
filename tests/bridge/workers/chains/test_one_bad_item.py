"""One bad item harms itself only: claims, receipts and rollbacks that cannot be read stop nothing else."""

import contextlib
from decimal import Decimal
from typing import Any

import pytest

from coordinator.payments.observed.observations import Stage, TransactionHinted
from coordinator.payments.payments import PaymentStatus
from providers.onchain.blocks.transfers import TRANSFER_TOPIC, topic_of
from providers.onchain.confirming.corroboration import ABSENCE_BELIEVED_SECONDS, CORROBORATION_AWAITED_SECONDS
from providers.onchain.nodes import http_provider
from providers.onchain.nodes.rpc import ChainUnavailableError
from providers.onchain.reading import traces
from tests.anvil import BOB, CAROL, Anvil
from tests.bridge.workers.chains.followed_chain import CONFIRMATIONS, Follow, Followed, contradictions, goes_on
from tests.providers.onchain.liar import Refusal
from tests.system.onchain.conftest import address

Document = dict[str, Any]
COMPLETED, PARTLY, CONFIRMING = PaymentStatus.COMPLETED, PaymentStatus.PARTIALLY_PAID, PaymentStatus.CONFIRMING
PENDING = PaymentStatus.PENDING


async def hinted(it: Followed, payment_id: str, tx_hash: str) -> None:
    recorded = await it.journal.record_observation(
        provider="onchain",
        external_id=payment_id,
        key=f"hint {tx_hash}",
        observation=TransactionHinted(hinted=tx_hash),
    )
    assert recorded.payment is not None
    it.watch(recorded.payment)


async def test_a_claim_that_cannot_be_read_stops_no_other_and_degrades_nobody(follow: Follow) -> None:
    async with follow() as it:
        await it.follow()
        old, good = it.pay(50), it.pay(100, CAROL)
        await it.follow(CONFIRMATIONS)  # before anybody waited for either
        for payment_id, recipient, tx_hash in (("pay_1", BOB, old), ("pay_2", CAROL, good)):
            await it.register(payment_id, recipient=recipient)
            await hinted(it, payment_id, tx_hash)

        def broken(parameters: list[Any], receipt: Document) -> Document:
            return receipt | {"logs": None} if parameters[0] == old else receipt

        it.liar.changes("eth_getTransactionReceipt", broken)
        await it.follow(2)
        assert (await it.payment("pay_2")).status == COMPLETED
        assert it.rpc.endpoints[0].last_fault is None
        it.liar.answers = {}
        await it.follow(2)
        assert (await it.payment("pay_1")).received == Decimal(50)


async def test_plain_coin_that_a_contract_sends_on_is_found_by_its_transaction(follow: Follow) -> None:
    """It calls nothing by what it says, and where its block was gone over without traces it has to be named."""
    async with follow(own_coin=True) as it:
        await it.follow()
        contract = "0x" + "a7" * 20
        it.anvil.ask("anvil_setCode", contract, f"0x600060006000600034 73{BOB[2:]} 5a f1 00".replace(" ", ""))
        it.liar.answers["debug_traceBlockByHash"] = Refusal(-32601, "the method does not exist")
        await it.register(currency="ETH")
        tx_hash = it.anvil.send(contract, 100 * 10**18)
        it.anvil.mine()
        await it.follow(CONFIRMATIONS)
        assert (await it.payment()).status == PENDING
        await hinted(it, "pay_1", tx_hash)
        await it.follow(1)
        assert (await it.payment()).status == COMPLETED


async def test_a_receipt_without_a_status_tells_of_tokens_by_its_logs(follow: Follow) -> None:
    """As those of before Byzantium are, which say instead what the state was."""
    async with follow() as it:
        await it.follow()
        tx_hash = it.pay()
        await it.follow(CONFIRMATIONS)
        await it.register()
        await hinted(it, "pay_1", tx_hash)
        it.liar.changes(
            "eth_getTransactionReceipt",
            lambda parameters, receipt: {name: value for name, value in receipt.items() if name != "status"},
        )
        await it.follow(1)
        assert (await it.payment()).status == COMPLETED
        assert it.rpc.endpoints[0].last_fault is None


async def test_a_receipt_that_is_there_before_its_block_is_waited_for(follow: Follow) -> None:
    """Behind one endpoint are several backends, of which one is ahead."""
    async with follow() as it:
        await it.follow()
        await it.register()
        tx_hash = it.anvil.transfer(it.token, BOB, 100 * 10**6)
        await hinted(it, "pay_1", tx_hash)
        it.anvil.mine()
        stood_at = it.anvil.head() - 1
        it.liar.changes(
            "eth_getTransactionByHash",
            lambda parameters, known: known | {"blockNumber": None, "blockHash": None},
        )
        it.liar.stands_at(stood_at)
        await it.follow()
        assert (await it.payment()).status == CONFIRMING
        assert it.rpc.endpoints[0].last_fault is None
        it.liar.answers = {}
        await it.follow(CONFIRMATIONS)
        assert (await it.payment()).status == COMPLETED


async def test_the_receipt_of_a_transaction_that_another_backend_has_not_yet_is_waited_for(
    follow: Follow, anvil: Anvil
) -> None:
    async with follow(endpoints=2, own_coin=True) as it:
        await it.follow()
        await it.register(currency="ETH")
        it.liar.answers["eth_getTransactionReceipt"] = None
        anvil.send(BOB, 100 * 10**18)
        anvil.mine()
        await it.follow()
        it.liar.answers = {}
        await goes_on(it)
        assert (await it.payment()).status == COMPLETED


@pytest.mark.parametrize("without", [0, 1])
async def test_an_endpoint_that_never_has_receipts_is_no_second_word_and_a_person_is_told_so(
    follow: Follow, anvil: Anvil, without: int
) -> None:
    async with follow(endpoints=2, own_coin=True) as it:
        await it.follow()
        await it.register(currency="ETH")
        it.liars[without].answers["eth_getTransactionReceipt"] = None
        anvil.send(BOB, 100 * 10**18)
        await goes_on(it, blocks=20)
        assert (await it.payment()).status == CONFIRMING
        it.clock.now += CORROBORATION_AWAITED_SECONDS
        await goes_on(it)
        assert (await it.payment()).status == COMPLETED
        host = it.rpc.endpoints[without].host
        said = str(it.follower.waiting)
        assert said.startswith("1 transfer has counted by the word of one endpoint")
        assert f"({host}: it has no receipt of" in said
        it.liars[without].answers = {}
        await it.register("pay_2", currency="ETH", recipient=CAROL)
        anvil.send(CAROL, 100 * 10**18)
        await goes_on(it)
        assert (await it.payment("pay_2")).status == COMPLETED
        it.clock.now += 300  # no suspension is longer
        await goes_on(it)
        assert it.follower.waiting is None


@pytest.mark.parametrize("liar", [0, 1])
async def test_whose_logs_make_no_sense_is_set_aside_and_nobody_else(follow: Follow, liar: int) -> None:
    """One transfer that is told in two ways; with a third endpoint money still has two words."""

    def in_two_ways(parameters: list[Any], logs: list[Document]) -> list[Document]:
        return [*logs, *(one | {"data": "0x" + "1".rjust(64, "0")} for one in logs)]

    async with follow(endpoints=3) as it:
        await it.follow()
        await it.register()
        it.liars[liar].changes("eth_getLogs", in_two_ways)
        it.pay()
        for _ in range(2 * CONFIRMATIONS):
            with contextlib.suppress(ChainUnavailableError):  # it is tried again
                await goes_on(it, blocks=1)
        assert (await it.payment()).status == COMPLETED
        others = [one for place, one in enumerate(it.rpc.endpoints) if place != liar]
        assert [one.last_fault for one in others] == [None, None]
        assert it.rpc.endpoints[liar].last_reason == "one transfer is told in two ways"


@pytest.mark.parametrize("liar", [0, 1])
async def test_whose_receipts_are_none_is_set_aside_and_stops_no_coin(
    follow: Follow, anvil: Anvil, liar: int
) -> None:
    async with follow(endpoints=3, own_coin=True) as it:
        await it.follow()
        await it.register(currency="ETH")
        it.liars[liar].answers["eth_getTransactionReceipt"] = "none"
        anvil.send(BOB, 100 * 10**18)
        await goes_on(it)
        assert (await it.payment()).status == COMPLETED


async def test_whose_blocks_hold_no_transactions_is_no_second_word_and_stops_no_coin(
    follow: Follow, anvil: Anvil
) -> None:
    async with follow(endpoints=2, own_coin=True) as it:
        await it.follow()
        await it.register(currency="ETH")
        it.liars[1].changes("eth_getBlockByNumber", lambda _, block: block and block | {"transactions": 5.0})
        anvil.send(BOB, 100 * 10**18)
        for _ in range(2):
            await goes_on(it)
            it.clock.now += CORROBORATION_AWAITED_SECONDS
        assert (await it.payment()).status == COMPLETED


@pytest.mark.parametrize("liar", [0, 1])
@pytest.mark.parametrize("lie", ["inflates", "leaves out", "sends otherwise"])
async def test_what_endpoints_say_otherwise_of_one_transfer_stops_no_other_in_its_block(
    follow: Follow, anvil: Anvil, liar: int, lie: str
) -> None:
    async with follow(endpoints=2, own_coin=True) as it:
        await it.follow()
        to = [address(f"of a block {number} {it.token}") for number in range(4)]
        for number, recipient in enumerate(to):
            await it.register(f"pay_{number}", recipient=recipient, currency="ETH" if number == 3 else "USDT")

        def changed(parameters: list[Any], logs: list[Document]) -> list[Document]:
            own = [one for one in logs if one["topics"][2] == topic_of(to[1])]
            others = [one for one in logs if one not in own]
            change: Document = {"data": f"0x{10**9:064x}"}
            if lie == "sends otherwise":
                change = {"topics": [TRANSFER_TOPIC, topic_of(CAROL), topic_of(to[1])]}
            return others if lie == "leaves out" else [*others, *(one | change for one in own)]

        it.liars[liar].changes("eth_getLogs", changed)
        for recipient in to[:3]:
            anvil.transfer(it.token, recipient, 100 * 10**6)
        anvil.send(to[3], 100 * 10**18)
        anvil.mine()
        await goes_on(it)
        it.clock.now += ABSENCE_BELIEVED_SECONDS
        await goes_on(it, blocks=2 * CONFIRMATIONS)
        statuses = [(await it.payment(f"pay_{number}")).status for number in range(4)]
        assert statuses == [COMPLETED, CONFIRMING, COMPLETED, COMPLETED]
        [listed] = await contradictions(it)
        assert listed.detail.endswith("it stops pay_1")


@pytest.mark.parametrize("most", [256, 1])
async def test_a_trace_that_is_larger_than_is_taken_stops_and_blames_nobody(
    follow: Follow, anvil: Anvil, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, most: int
) -> None:
    """A stranger pays for so many calls within a transaction. The others of its block are traced by themselves."""
    async with follow(endpoints=2, own_coin=True) as it:
        wallet, forwarder = anvil.deploy("Wallet"), anvil.deploy("Forwarder")
        await it.follow()
        await it.register()
        await it.register("pay_2", currency="ETH", recipient=CAROL)
        await it.register("pay_3", currency="ETH", recipient=(to := address("whom a contract pays")))
        monkeypatch.setattr(http_provider, "ANSWER_LIMIT_BYTES", 150_000)
        monkeypatch.setattr(traces, "TRACED_ONE_BY_ONE", most)
        calls = 400
        many = anvil.call_data("Wallet", "execute", [wallet] * calls, [0] * calls, [b""] * calls)
        large = anvil.send(wallet, data=many, gas=hex(28_000_000))
        anvil.send(CAROL, 100 * 10**18)
        anvil.send(forwarder, 100 * 10**18, data=anvil.call_data("Forwarder", "forward", to))
        it.pay()
        await it.follow(CONFIRMATIONS)
        assert (await it.payment()).status == COMPLETED
        assert (await it.payment("pay_2")).status == COMPLETED
        if most > 1:
            assert (await it.payment("pay_3")).status == COMPLETED
            assert f"what contracts send in {large} is not shown" in caplog.text
        else:
            assert "is gone over without what contracts send in it" in caplog.text
        assert [one.last_fault for one in it.rpc.endpoints] == [None, None]


async def test_a_transaction_of_a_kind_that_is_not_known_stops_no_other_of_its_block(
    follow: Follow, anvil: Anvil
) -> None:
    def with_another(parameters: list[Any], block: Document) -> Document:
        if not block or not parameters[1]:
            return block
        placed = {"blockHash": block["hash"], "blockNumber": block["number"]}
        odd = placed | {"hash": "0x" + "9" * 64, "type": "0x7f", "value": "0x1", "from": None, "to": None}
        return block | {"transactions": [odd, *block["transactions"]]}

    async with follow(endpoints=2, own_coin=True) as it:
        await it.follow()
        await it.register()
        await it.register("pay_2", currency="ETH", recipient=CAROL)
        for liar in it.liars:
            liar.changes("eth_getBlockByNumber", with_another)
        anvil.send(CAROL, 100 * 10**18)
        it.pay()
        await it.follow(CONFIRMATIONS)
        assert [(await it.payment(one)).status for one in ("pay_1", "pay_2")] == [COMPLETED] * 2
        assert [one.last_fault for one in it.rpc.endpoints] == [None, None]


async def test_after_a_rollback_that_stands_still_a_payment_loses_its_confirmations(
    follow: Follow, anvil: Anvil
) -> None:
    async with follow(confirmations=9) as it:
        await it.follow()
        await it.register()
        it.pay()
        await it.follow(3)
        assert [one.confirmations for one in (await it.payment()).facts.sightings] == [4]
        anvil.ask("anvil_rollback", 5)
        await it.follow()
        assert (await it.payment()).status == CONFIRMING  # an endpoint that lags shows the same
        it.clock.now += 60
        await it.follow()
        payment = await it.payment()
        assert payment.status == "pending"
        assert [one.stage for one in payment.facts.sightings] == [Stage.REORGANISED]
        assert await it.alarms() == []


async def test_an_endpoint_that_shows_old_blocks_for_long_takes_back_nothing_that_is_final(follow: Follow) -> None:
    async with follow() as it:
        await it.follow(20)
        await it.register()
        it.pay()
        await it.follow(CONFIRMATIONS)
        assert (await it.payment()).status == COMPLETED
        it.liar.stands_at(it.anvil.head() - 15)
        for _ in range(3):
            it.clock.now += 60
            await it.follow()
        assert (await it.payment()).status == COMPLETED
        assert await it.alarms() == []
