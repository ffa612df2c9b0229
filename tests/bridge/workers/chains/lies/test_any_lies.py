"""Whatever one of two endpoints says, beside reorganisations, held against the books of the honest node: nothing
counts that did not happen, all that happened counts in the end, and whoever is stopped is on the list. Where the
chain itself takes back what was final, that counts on, and a person is told whose it is.

`make soak` tries many more ways than `make test`.
"""

import asyncio
import contextlib
import tempfile
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from providers.onchain.blocks.transfers import TRANSFER_TOPIC, topic_of
from providers.onchain.confirming.corroboration import CONTRADICTED
from providers.onchain.nodes.rpc import ChainUnavailableError
from providers.onchain.reading.ranges import shallow_blocks
from tests.anvil import CAROL, Anvil, running_anvil
from tests.bridge.workers.chains.followed_chain import CONFIRMATIONS, Followed, following
from tests.bridge.workers.chains.lies.lengths import WAYS, lists_of
from tests.providers.onchain.liar import Refusal, of_fork, other_hash
from tests.system.onchain.conftest import address

PAYMENTS = 3
ROUND_SECONDS, ROUNDS_OF_AN_HOUR = 300, 15
# In each some blocks are traced that nobody had shown the calls of.
ROUNDS_OF_TRACES = 64
Document = dict[str, Any]
Lie = Callable[[list[Any], Any], Any]


def _logs(change: Callable[[list[Document]], list[Document]]) -> dict[str, Lie]:
    return {"eth_getLogs": lambda parameters, logs: change(logs)}


def _forged(logs: list[Document]) -> list[Document]:
    """Ten times as much as there is, and once more in a transaction that is none."""
    more = [one | {"data": "0x" + f"{10 * int(one['data'], 16):064x}"} for one in logs]
    return more + [one | {"logIndex": "0x63", "transactionHash": "0x" + "f" * 64} for one in more]


def _late(answers: int) -> Lie:
    """What was to be said so many questions ago."""
    waiting: list[Any] = []

    def late(parameters: list[Any], answer: Any) -> Any:
        waiting.append(answer)
        return waiting.pop(0) if len(waiting) > answers else None

    return late


@dataclass
class ByTurns:
    """A lie that is told every second time."""

    lie: Lie
    is_next: bool = True

    def __call__(self, parameters: list[Any], said: Any) -> Any:
        is_told, self.is_next = self.is_next, not self.is_next
        return self.lie(parameters, said) if is_told else said


def _few_blocks(parameters: list[Any], logs: list[Document]) -> Any:
    """As an endpoint does that takes few blocks in a question."""
    [asked] = parameters
    is_range = "fromBlock" in asked and int(asked["toBlock"], 16) - int(asked["fromBlock"], 16) > 2
    return Refusal(-32005, "query returned more than 10000 results") if is_range else logs


def _elsewhere(parameters: list[Any], said: Any) -> Any:
    """What is said of another fork."""
    return of_fork(said)


LIES: dict[str, dict[str, Lie]] = {
    "doubles": _logs(lambda logs: [*logs, *logs]),
    "reorders": _logs(lambda logs: logs[::-1]),
    "drops": _logs(lambda logs: []),
    "truncates": _logs(lambda logs: logs[:-1]),
    "removes": _logs(lambda logs: [one | {"removed": True} for one in logs]),
    "forges": _logs(_forged),
    "moves": _logs(lambda logs: [one | {"blockHash": "0x" + "1" * 64} for one in logs]),
    "forks": {"eth_getBlockByNumber": _elsewhere, **_logs(lambda logs: [])},
    "forks with what there is": {"eth_getBlockByNumber": _elsewhere, **_logs(of_fork)},
    "forks with money": {"eth_getBlockByNumber": _elsewhere, **_logs(lambda logs: of_fork(_forged(logs)))},
    "forks and cannot tell": {"eth_getBlockByNumber": _elsewhere, "eth_getLogs": lambda *_: 503},
    "names another sender": _logs(
        lambda logs: [one | {"topics": [one["topics"][0], topic_of(CAROL), one["topics"][2]]} for one in logs]
    ),
    "says another time": {
        "eth_getBlockByNumber": lambda parameters, block: (
            block and block | {"timestamp": hex(int(block["timestamp"], 16) + 5000)}
        ),
        **_logs(lambda logs: [one | {"blockTimestamp": hex(2**31)} for one in logs]),
    },
    "has no times in logs": _logs(lambda logs: [one | {"blockTimestamp": "0x0"} for one in logs]),
    "has no blooms": {
        "eth_getBlockByNumber": lambda parameters, block: block and block | {"logsBloom": "0x" + "0" * 512},
        **_logs(lambda logs: []),
    },
    "sinks": {
        "eth_getBlockByNumber": lambda parameters, block: (
            block and block | {"number": hex(max(int(block["number"], 16) - 1, 0))}
        ),
        **_logs(lambda logs: [one | {"blockNumber": "0x1"} for one in logs]),
    },
    "spoils logs": _logs(lambda logs: [one | {"topics": [*one["topics"][:2], "0xzz"]} for one in logs]),
    "has words for removed": _logs(lambda logs: [one | {"removed": "false"} for one in logs]),
    "tells of things that are no logs": {"eth_getLogs": lambda parameters, logs: ["none", *logs[1:], None]},
    "takes few blocks": {"eth_getLogs": _few_blocks},
    "drops by turns": {"eth_getLogs": ByTurns(lambda parameters, logs: [])},
    "forges by turns": {"eth_getLogs": ByTurns(lambda parameters, logs: _forged(logs))},
    "forks by turns": {"eth_getBlockByNumber": ByTurns(_elsewhere)},
    "names one place for all": _logs(lambda logs: [one | {"logIndex": "0x0"} for one in logs]),
    "leaves out half of each": _logs(lambda logs: [{"blockHash": one["blockHash"]} for one in logs]),
    "forgets what its logs were of": _logs(
        lambda logs: [*logs, *(one | {"blockHash": other_hash(one["blockHash"])} for one in logs)]
    ),
    "has no receipts": {"eth_getTransactionReceipt": lambda parameters, receipt: None},
    "boasts": {
        "eth_getBlockByNumber": lambda parameters, block: (
            block and block | {"number": hex(10**9)} if parameters[0] == "latest" else block
        )
    },
}

# Of these all is said by the hashes of their fork, and is asked for by them.
OF_A_FORK = frozenset(name for name in LIES if name.startswith("forks"))
RECONFIGURING = ("change places", "take out", "put back")


def steps_of(lies: Collection[str]) -> st.SearchStrategy[tuple[str, Any, int]]:
    """What can happen, where the endpoint that lies knows these lies."""
    return st.one_of(
        st.tuples(st.just("pay"), st.integers(0, PAYMENTS - 1), st.integers(0, 120)),
        st.tuples(st.just("mine"), st.integers(1, 3), st.just(0)),
        st.tuples(st.just("reorganise"), st.integers(1, CONFIRMATIONS + 2), st.just(0)),
        st.tuples(st.just("lie"), st.sampled_from(sorted(lies)), st.just(0)),
        st.tuples(st.just("lie of it"), st.sampled_from(sorted(lies)), st.integers(1, 120)),
        st.tuples(st.just("roll back"), st.integers(1, 4), st.just(0)),
        st.tuples(st.just("delay"), st.integers(1, 3), st.just(0)),
        st.tuples(st.just("stumble"), st.sampled_from(["eth_getBlockByNumber", "eth_getLogs"]), st.integers(1, 3)),
        st.tuples(st.sampled_from(["die", "be honest", "restart"]), st.just(0), st.just(0)),
        st.tuples(st.just("be away"), st.integers(0, PAYMENTS - 1), st.integers(0, 120)),
        st.tuples(st.sampled_from(RECONFIGURING), st.just(0), st.just(0)),
    )


# What a chain can do by itself, with a bridge that is started anew and an endpoint that lags in between.
histories = st.one_of(
    st.tuples(st.just("pay"), st.integers(0, PAYMENTS - 1), st.integers(0, 120)),
    st.tuples(st.just("mine"), st.integers(1, 50), st.just(0)),
    st.tuples(st.just("reorganise"), st.integers(1, CONFIRMATIONS + 2), st.just(0)),
    st.tuples(st.just("go back"), st.integers(CONFIRMATIONS, 60), st.just(0)),
    st.tuples(st.just("roll back"), st.integers(1, 30), st.just(0)),
    st.tuples(st.sampled_from(["be honest", "restart"]), st.just(0), st.just(0)),
)
Step = tuple[str, Any, int]


@dataclass
class Play:
    """One way that it can go."""

    currency: ClassVar[str] = "USDT"
    endpoints: ClassVar[int] = 2
    confirmations: ClassVar[int | str] = CONFIRMATIONS
    lies: ClassVar[dict[str, dict[str, Lie]]] = LIES
    it: Followed
    liar: int
    recipients: list[str]
    first: int
    """The block upon which it all happens."""
    places: tuple[int, ...] = (0, 1)
    """The endpoints that are configured, in their order."""
    taken_back: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    """What was deep enough to be final when the chain took it back, for each recipient."""

    def may_count(self, recipient: str, last: int) -> Decimal:
        """What was there up to a block, or may have been final."""
        return self.on_chain(recipient, last) + self.taken_back[recipient]

    def on_chain(self, recipient: str, last: int) -> Decimal:
        """What the honest node has for somebody, up to a block."""
        question = {
            "fromBlock": "0x0",
            "toBlock": hex(max(last, 0)),
            "address": self.it.token,
            "topics": [TRANSFER_TOPIC, None, topic_of(recipient)],
        }
        logs = self.it.anvil.ask("eth_getLogs", question)
        return Decimal(sum(int(one["data"], 16) for one in logs)).scaleb(-6)

    def note_taken_back(self, left: int) -> None:
        """Remembers what is final, and is gone once the chain goes back to this block."""
        for recipient in self.recipients:
            deep = self.on_chain(recipient, self.it.anvil.head() - CONFIRMATIONS + 1)
            self.taken_back[recipient] += max(deep - self.on_chain(recipient, left), Decimal())

    def pay(self, recipient: str, amount: int) -> None:
        self.it.anvil.transfer(self.it.token, recipient, amount * 10**6)

    def do(self, step: Step) -> None:
        anvil = self.it.anvil
        match step:
            case ("pay", number, amount):
                self.pay(self.recipients[number], amount)
                anvil.mine()
            case ("lie of it", name, amount):
                self.lie(("lie", name, 0))
                self.do(("pay", amount % PAYMENTS, amount))
            case ("be away", number, amount):  # for so long that ranges are asked for
                self.pay(self.recipients[number], amount)
                anvil.mine(2 * shallow_blocks(1))
            case ("mine", blocks, _):
                anvil.mine(blocks)
            case ("reorganise", depth, _):
                self.note_taken_back(anvil.head() - depth)
                anvil.reorganise(depth)
                anvil.mine()
            case ("go back", blocks, _):
                depth = min(blocks, anvil.head() - self.first)
                self.note_taken_back(anvil.head() - depth)
                if depth:
                    anvil.go_back(depth)
            case ("stumble", method, times):
                self.it.liars[1 - self.liar].stumbles(method, times)
            case ("restart", _, _):
                self.it.follower = self.it.new_follower()
            case _:
                self.lie(step)

    async def reconfigure(self, name: str) -> None:
        """Starts the bridge anew with other endpoints, or with the same in another order."""
        honest = 1 - self.liar
        self.places = {
            "change places": self.places[::-1],
            "take out": (honest,),
            "put back": (honest, self.liar),
        }[name]
        with contextlib.suppress(ChainUnavailableError):
            await self.it.restart(*self.places)

    def lie(self, step: Step) -> None:
        liar = self.it.liars[self.liar]
        liar.answers, liar.is_dead = {}, False
        match step:
            case ("lie", name, _):
                for method, lie in self.lies[name].items():
                    change = replace(lie) if isinstance(lie, ByTurns) else lie
                    liar.changes(method, change, is_of_fork=name in OF_A_FORK)
            case ("roll back", blocks, _):
                liar.stands_at(max(self.it.anvil.head() - blocks, 0))
            case ("die", _, _):
                liar.is_dead = True
            case ("delay", answers, _):
                for method in ("eth_getBlockByNumber", "eth_getLogs"):
                    liar.changes(method, _late(answers))

    async def follow(self, seconds: float) -> None:
        self.it.clock.now += seconds
        with contextlib.suppress(ChainUnavailableError):  # it is tried again
            await self.it.follower.round()
        await self.hold_against_the_books()

    async def wait_under_the_lie(self) -> None:
        """Whoever lies goes on for more than an hour, in which all becomes deep. What has not counted by then is on
        the list."""
        for _ in range(ROUNDS_OF_AN_HOUR):
            self.it.anvil.mine(2, apart_seconds=ROUND_SECONDS)
            await self.follow(ROUND_SECONDS)
        if not self.misses_traces and not await self.it.alarms():
            assert await self.are_all_done(), "money does not count, and nobody is called"

    @property
    def misses_traces(self) -> bool:
        """Whether readiness says that blocks passed without them, or that money waits for them."""
        said = str(self.it.follower.waiting)
        return "passed without what contracts send" in said or "it offers no traces" in said

    async def are_all_done(self) -> bool:
        """Whether all that is deep has counted."""
        deep = self.it.anvil.head() - CONFIRMATIONS
        payments = [await self.it.payment(f"pay_{number}") for number in range(len(self.recipients))]
        counted = zip(payments, self.recipients, strict=True)
        return all(payment.paid >= self.on_chain(recipient, deep) for payment, recipient in counted)

    async def end(self) -> None:
        """Nobody lies any more, and all becomes deep."""
        await self.wait_under_the_lie()
        self.do(("be honest", 0, 0))
        self.it.liars[1 - self.liar].answers = {}
        for _ in range(4 * CONFIRMATIONS):
            self.it.anvil.mine()
            await self.follow(ROUND_SECONDS)
        for _ in range(ROUNDS_OF_TRACES):
            if self.misses_traces:
                await self.follow(ROUND_SECONDS)

    async def hold_against_the_books(self) -> None:
        head = self.it.anvil.head()
        stopped: set[int] = set()
        for number, recipient in enumerate(self.recipients):
            payment = await self.it.payment(f"pay_{number}")
            assert payment.paid <= self.may_count(recipient, head), "money counts that is not there"
            stopped |= {one.block_number or 0 for one in payment.facts.sightings if one.reason == CONTRADICTED}
        listed = {number for kind, number in await self.it.alarms() if kind == "contradicted"}
        assert stopped <= listed, "somebody is stopped, and nobody is called"


async def play(anvil: Anvil, liar: int, some: list[Step], kind: type[Play] = Play) -> None:
    anvil.begin_anew()
    with tempfile.TemporaryDirectory() as folder:
        async with following(
            anvil,
            Path(folder),
            endpoints=kind.endpoints,
            confirmations=kind.confirmations,
            own_coin=kind.currency == "ETH",
        ) as it:
            await it.follow(2 * CONFIRMATIONS)
            at = kind(it, liar, [address(f"{it.token} {number}") for number in range(PAYMENTS)], anvil.head())
            for number, recipient in enumerate(at.recipients):
                await it.register(f"pay_{number}", recipient=recipient, currency=kind.currency)
            for step in some:
                if step[0] in RECONFIGURING:
                    await at.reconfigure(step[0])
                else:
                    at.do(step)
                await at.follow(1)
            await at.end()
            for number, recipient in enumerate(at.recipients):
                payment, there = await it.payment(f"pay_{number}"), at.on_chain(recipient, anvil.head())
                assert payment.paid <= there + at.taken_back[recipient], "money counts that is not there"
                # Of long ago the node has no states, and readiness says which blocks are not traced.
                assert there <= payment.paid or at.misses_traces, "money is missed"
                told = [one.message for one in await it.journal.chains.alarms(None) if one.kind == "taken-back"]
                is_told = any(payment.payment_id in message for message in told)
                assert payment.paid <= there or is_told, "money is gone, and nobody is told"


@pytest.fixture(scope="module")
def anvil() -> Iterator[Anvil]:
    with running_anvil() as anvil:
        yield anvil


__all__ = [
    "LIES",
    "PAYMENTS",
    "ByTurns",
    "Document",
    "Lie",
    "Play",
    "Step",
    "play",
    "playing",
    "steps_of",
]

playing = settings(
    max_examples=WAYS,
    # A way that fails is short, and to look for a shorter one takes longer than all the others.
    phases=[Phase.generate],
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.parametrize("liar", [0, 1])
@playing
@given(some=lists_of(steps_of(LIES)))
def test_whatever_one_endpoint_says_just_what_happened_counts(anvil: Anvil, liar: int, some: list[Step]) -> None:
    asyncio.run(play(anvil, liar, some))


@settings(playing, max_examples=max(WAYS * 2 // 3, 2))
@given(liar=st.integers(0, 1), some=lists_of(histories, at_least=4))
def test_whatever_the_chain_itself_does_what_is_on_it_in_the_end_counts(
    anvil: Anvil, liar: int, some: list[Step]
) -> None:
    asyncio.run(play(anvil, liar, some))
