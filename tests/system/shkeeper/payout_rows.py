"""Everything that SHKeeper and its daemons can make of an order of payouts, each with how the local one is told to do
it: the rows of the fault matrix.

Those that `payouts/answers.py` calls proofs are all here, and a test says so. What is not a proof is here with and
without its money having been sent.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle, product

from providers.shkeeper.payouts.answers import RefusedBy
from providers.shkeeper.simulator.books.payout_tasks import Outcome
from providers.shkeeper.simulator.faults import Happens, What
from tests.made_destinations import destination, x_address

__all__ = ["AMOUNTS", "PERSON", "QUICK", "REFUSED_IN", "ROWS", "TASKS_THAT_SENT_NOTHING", "Row", "place_of"]

AMOUNTS: Mapping[str, str] = {
    "BTC": "0.0001",
    "LTC": "0.1",
    "DOGE": "10",
    "XRP": "3",
    "SOL": "0.1",
    "SOLANA-USDT": "5",
    "SOLANA-PYUSD": "5",
    "TRX": "6",
    "USDT": "5",
    "USDC": "5",
    "TON": "1",
    "TON-USDT": "5",
    "FIRO": "1",
    "XMR": "0.01",
    "ETH": "0.001",
    "ETH-USDT": "5",
    "ETH-USDC": "5",
    "BNB": "0.001",
    "BNB-USDT": "5",
    "POLYGON-USDT": "5",
    "AVAX": "0.1",
}
"""What a payout in a coin is of: less than its payment has earned."""

# Their orders wait for nothing, so that many rows are played in little time.
QUICK = ("LTC", "DOGE", "BTC", "SOL", "SOLANA-USDT", "SOLANA-PYUSD", "TRX", "USDC")


@dataclass(frozen=True, slots=True)
class Row:
    """One answer to one payout, among others or by itself."""

    name: str
    coin: str
    ends: str
    """Where a payout of its own stands in the end: `completed`, `failed`, or else somebody has to look."""
    what: What | None = None
    """What goes wrong with the order itself."""
    happens: Happens = Happens.BEFORE
    outcome: Outcome = Outcome.ARRIVES
    words: str | None = None
    sizes: tuple[int, ...] = (1, 2)
    """Of orders in which it occurs."""
    is_booked: bool = True
    """Whether what was sent is in SHKeeper's books."""
    by_x_address: bool = False


def place_of(row: Row, name: str) -> str:
    """Where somebody of this name is paid, as the row wants it."""
    if row.by_x_address:
        return x_address(hashlib.sha256(name.encode()).digest() * 2, 7)
    return destination(row.coin, name)


NEW_CONNECTION = (
    "HTTPConnectionPool(host='ltc', port=6000): Max retries exceeded with url: /LTC/payout/L1/2/0 (Caused by"
    " NewConnectionError('<urllib3.connection.HTTPConnection object at 0x7f>: Failed to establish a new connection:"
    " [Errno 111] Connection refused'))"
)
# In the words of the table's rows, in its order.
REFUSED_IN: Mapping[RefusedBy, tuple[str, ...]] = {
    RefusedBy.SHKEEPER: (
        "Unknown crypto: LTC",
        "400 Bad Request: The browser (or proxy) sent a request that this server could not understand.",
        "Expected an array of payouts",
        "'FIRO' object has no attribute 'multipayout'",
        NEW_CONNECTION,
        "Invalid callback_url scheme: ftp://x",
        "'fee'",
        "[<class 'decimal.ConversionSyntax'>]",
        "conversion from NoneType to Decimal is not supported",
        "'fee_satoshi'",
    ),
    RefusedBy.DAEMON: (
        "authorization requred",
        "LTC is not defined in config, cannot make payout",
        "Payout was disabled",
        "Bad destination address in {'dest': 'x'}",
        "Bad amount in {'dest': 'x'}: no number",
        "Payout amount should be a positive number: {'dest': 'x'}",
        "Payout list is empty!",
        "Not enough TRX tokens at fee-deposit account <x> to pay payout fees. Has: 0, need: 80",
    ),
    RefusedBy.WALLET: (
        "not enough money",
        "Address must be either 95 or 106 characters long base58-encoded string, is x (1 chars length)",
        "'num_satoshis'",
        "Payment error: 'no_route'",
    ),
}
SHAPES = {RefusedBy.SHKEEPER: What.ERROR_500, RefusedBy.DAEMON: What.ERROR_MSG, RefusedBy.WALLET: What.ERROR_NESTED}
TASKS_THAT_SENT_NOTHING = (
    "Have not enough tokens on fee account, need 5 have 1",
    "Have not enough crypto on fee account, need 5 have 1. Please note that 1 is reserved",
    "Have not enough crypto on fee account to cover fees, need 5 have 1",
    "Have not enough tokens on fee-deposit account, need 5 have 1",
    "Have not enough SOL on fee-deposit account to pay transaction fee, need 5 have 1",
    "Address is ATA for another token, cannot transfer to it",
    "Bad destination address in {'dest': 'x'}",
    "Payout amount should be a positive number: {'dest': 'x'}",
    "Address x is not valid ethereum address",
    "Address x is not valid address",
    "Not enough unspent transaction outputs found",
    "Total amount of outputs is greater then total amount of inputs",
    "Fee per kB of 1 is lower then minimal network fee of 2",
    "Cannot deploy x account",
    "Wallet balance is less than payout amount: 1 < 5",
    "There was exception during query to the database, try again later",
    "Cannot get password from shkeeper, quit",
)
TASKS_THAT_MAY_HAVE_SENT = (
    "timeout and can not find the transaction",
    "'str' object has no attribute 'result'",
    "{'code': -32000, 'message': 'replacement transaction underpriced'}",
    "{'code': -32000, 'message': 'already known'}",
    "Worker exited prematurely: signal 9 (SIGKILL) Job: 3.",
)
BROKEN = (
    *(What.ERROR_500, What.ERROR_200, What.ERROR_MSG, What.ERROR_NESTED, What.ERROR_CODE, What.HTML_500),
    *(What.EMPTY, What.GARBAGE, What.RESET, What.BREAKS_OFF, What.TIMEOUT),
    # Of an order alone: who asks anything else is let in.
    *(What.LOGIN, What.WRONG_KEY),
)
PERSON = "a person"


def _refused(coins: Iterator[str]) -> Iterator[Row]:
    for by, texts in REFUSED_IN.items():
        for words in texts:
            if by is RefusedBy.WALLET:
                yield Row(f"wallet: {words[:40]}", "XMR", "failed", SHAPES[by], words=words, sizes=(1,))
            else:
                yield Row(f"{by.value}: {words[:40]}", next(coins), "failed", SHAPES[by], words=words)
    for words in (*REFUSED_IN[RefusedBy.DAEMON][:2], "Error 111 connecting to redis:6379. Connection refused."):
        ends = PERSON if "redis" in words else "failed"
        yield Row(f"declined: {words[:40]}", next(coins), ends, outcome=Outcome.DECLINED, words=words)
    for words in ("Insufficient funds", "Invalid Firo address", "The transaction was rejected"):
        ends = PERSON if "rejected" in words else "failed"
        yield Row(f"FIRO: {words}", "FIRO", ends, outcome=Outcome.DECLINED, words=words, sizes=(1,))


def _unclear(coins: Iterator[str]) -> Iterator[Row]:
    for what, happens in product(BROKEN, Happens):
        ends = "completed" if happens is Happens.AFTER else PERSON
        yield Row(f"{what} {happens}", next(coins), ends, what, happens)
    yield Row("sent, and not written down", next(coins), PERSON, What.NOT_WRITTEN_DOWN, is_booked=False)


def _tasks(coins: Iterator[str]) -> Iterator[Row]:
    for words in TASKS_THAT_SENT_NOTHING:
        yield Row(f"task: {words[:40]}", next(coins), "failed", outcome=Outcome.FAILS, words=words)
    # Words that prove something of one payout are said of several after the first were sent.
    for words, outcome in product(TASKS_THAT_SENT_NOTHING[:2], (Outcome.FAILS_HALFWAY, Outcome.SENT_AND_FAILS)):
        yield Row(f"task, {outcome}: {words[:40]}", next(coins), PERSON, outcome=outcome, words=words, sizes=(2,))
    for words, outcome in product(TASKS_THAT_MAY_HAVE_SENT, (Outcome.FAILS, Outcome.SENT_AND_FAILS)):
        yield Row(f"task, {outcome}: {words[:40]}", next(coins), PERSON, outcome=outcome, words=words)


def _results(coins: Iterator[str]) -> Iterator[Row]:
    for outcome in (Outcome.REFUSED, Outcome.STUCK, Outcome.UNCONFIRMED):
        yield Row(f"{outcome}", next(coins), PERSON, outcome=outcome)
    yield Row("reverted token of Tron", "USDT", "failed", outcome=Outcome.REVERTS)
    yield Row("reverted coin of Tron", "TRX", PERSON, outcome=Outcome.REVERTS)
    yield Row("reverted token of an EVM chain", "POLYGON-USDT", PERSON, outcome=Outcome.REVERTS, sizes=(1,))
    yield Row("XRP to an X-address", "XRP", "completed", by_x_address=True)
    for coin in ("BTC", "XRP", "SOL", "TON", "USDT", "FIRO", "XMR", "BNB-USDT", "ETH"):
        yield Row(f"{coin} arrives", coin, "completed", sizes=(1,) if coin in ("FIRO", "XMR") else (1, 2))


def _rows() -> Iterator[Row]:
    coins = cycle(QUICK)
    for some in (_refused, _unclear, _tasks, _results):
        yield from some(coins)


ROWS: tuple[Row, ...] = tuple(_rows())
