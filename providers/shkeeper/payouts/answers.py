"""Answers about payouts, and what each of them proves: sent, certainly not sent, or neither.

SHKeeper and the daemons behind it send money first and write it down after, and raise errors at any point on the way.
So an error is no proof that nothing was sent, and a record in SHKeeper's books is none that something was. The tables
here list every answer that is a proof, with where it comes from; whatever is not in them leaves it unclear.

Read in shkeeper.io 82ff19e, evm-shkeeper e0d106c, tron-shkeeper d936d95, bitcoin-shkeeper ec31646 (BTC, LTC, DOGE),
xrp-shkeeper ee644e8, solana-shkeeper 038e8ed and ton-shkeeper cc2eb45.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Annotated, Any, NamedTuple

from pydantic import Field, ValidationError, field_validator

from coordinator.ids import StoredId
from coordinator.money import Amount
from coordinator.payments.observed.dates import can_be_right
from coordinator.payouts.observations import (
    PayoutAccepted,
    PayoutBooked,
    PayoutConfirmed,
    PayoutFailed,
    PayoutInDoubt,
    PayoutObservation,
    PayoutReverted,
    PayoutSent,
    PayoutUnclear,
    Stated,
)
from coordinator.payouts.payouts import Payout
from providers.answers import HttpAnswer
from providers.errors import AnswerUnusableError, CredentialsRefusedError, RefusedTogetherError
from providers.shkeeper.asking.api import BAD_PASSWORD
from providers.shkeeper.asking.refusals import is_error, leads_to_login, reason_of, shown
from providers.shkeeper.asking.subjects import require_subject
from providers.shkeeper.coins import TRC20
from providers.shkeeper.destinations import spellings_of
from providers.shkeeper.wire import StoredHash, UnreadableError, Wire, Words, faults, read_object

__all__ = ["StatusAnswer", "TaskAnswer", "answered", "of_status", "of_task"]

# Said before anybody looks at the order (shkeeper.io: auth.py).
CLOSED_DOORS = frozenset({"bad http basic auth credentials", "this endpoint doesn't accept x-shkeeper-api-key auth"})


class RefusedBy(Enum):
    """Who says no, as the shape of the answer tells."""

    SHKEEPER = "message"
    """`{"status": "error", "message": …}`"""
    DAEMON = "msg"
    """`{"status": "error", "msg": …}`: the daemon of the coin, before there is a task."""
    WALLET = "error.message"
    """`{"result": null, "error": {"message": …}}`: a wallet that sends at once."""


class OrderRefusal(NamedTuple):
    """An answer to an order after which nothing of it was sent."""

    by: RefusedBy
    words: re.Pattern[str]
    of_several: bool
    """Whether that is as certain of an order of several payouts. SHKeeper looks at some of their fields only after it
    has sent them."""


def _refusals(by: RefusedBy, *words: str, of_several: bool) -> list[OrderRefusal]:
    return [OrderRefusal(by, re.compile(one), of_several) for one in words]


NOT_CONNECTED = (
    r"HTTPConnectionPool\(host='[^']+', port=\d+\): Max retries exceeded with url: \S* "
    r"\(Caused by NewConnectionError\(.*Failed to establish a new connection: .*"
)
REFUSALS: Sequence[OrderRefusal] = (
    *_refusals(
        RefusedBy.SHKEEPER,
        r"Unknown crypto: \S+",  # payout_service.py: get_crypto
        r"400 Bad Request: .*",
        r"Expected an array of payouts",  # payout_service.py: multiple_payout
        r"'\w+' object has no attribute 'multipayout'",
        NOT_CONNECTED,  # the coin's daemon is down
        of_several=True,
    ),
    *_refusals(
        RefusedBy.SHKEEPER,  # payout_service.py: single_payout, before the wallet is asked
        r"Invalid callback_url( scheme)?: .*",
        r"'(destination|amount|fee)'",
        r"\[<class 'decimal\.ConversionSyntax'>\]",
        r"conversion from NoneType to Decimal is not supported",
        r"'fee_satoshi'",  # classes/btc.py: mkpayout
        of_several=False,
    ),
    *_refusals(
        RefusedBy.DAEMON,
        r"authorization requred",  # as all of them spell it (api/__init__.py: check_credentials)
        r"\S+ is not defined in config, cannot make payout",  # api/payout.py, and so all below
        r"Payout was disabled",
        r"Bad destination address in .*",
        r"Bad amount in .*",
        r"Payout amount should be a positive number.*",
        r"Payout list is empty!",
        r"Not enough TRX tokens at fee-deposit account .*",
        of_several=True,
    ),
    *_refusals(
        RefusedBy.WALLET,
        r"not enough (unlocked )?money",  # Monero
        r"Address must be .* characters long base58-encoded string, is .*",
        r"'num_satoshis'",  # Lightning: the invoice cannot be decoded
        r"Payment error: '(no_route|insufficient_balance|incorrect_payment_details)'",
        of_several=False,
    ),
)
# Of Firo's wallet: what sendtoaddress and settxfee look at before they make a transaction.
FIRO_NOT_SENT = frozenset({-3, -5, -6, -8, -13, -28})

# What a daemon's task raises before its first transaction. It proves something only of a task for one payout: of
# several it sends one after the other, and may raise it at the second.
TASK_NOT_SENT: Sequence[re.Pattern[str]] = tuple(
    map(
        re.compile,
        (
            r"Have not enough (tokens|crypto) on fee account, need \S+ have \S+",  # EVM, Solana, TON
            r"Have not enough crypto on fee account, need \S+ have \S+\. Please note that .*",  # XRP
            r"Have not enough crypto on fee account to cover fees, need \S+ have \S+",  # TON
            r"Have not enough tokens on fee-deposit account, need \S+ have \S+",  # Solana, and the next four
            r"Have not enough SOL on fee-deposit account to pay transaction fee, need \S+ have \S+",
            r"Address is ATA for another token, cannot transfer to it",
            r"Bad destination address in \{.*\}",
            r"Payout amount should be a positive number: \{.*\}",
            r"Address \S+ is not valid (ethereum|blockchain|XRPL) address",  # EVM, TON, XRP
            r"Address \S+ is not valid address",  # BTC, LTC, DOGE, and the next three
            r"Not enough unspent transaction outputs found",
            r"Total amount of outputs is greater then total amount of inputs",
            r"Fee per kB of \d+ is (lower then minimal|higher then maximum) network fee of \d+",
            r"Cannot deploy \S+ account",  # TON
            r"Wallet balance is less than payout amount: \S+ < \S+",  # Tron
            r"There was exception during query to the database, try again later",  # EVM, XRP, Solana, TON
            r"Cannot get password from shkeeper, quit",  # EVM, XRP
        ),
    )
)
# Whose daemon waits until the ledger has validated a transaction before it calls it a success (xrp-shkeeper:
# submit_and_wait). SHKeeper itself never finds the result of one to an X-address.
FINAL_BY_TASK = frozenset({"XRP"})
# A task that waits for a worker for an hour is handed out once more (kombu's visibility timeout), and then the words
# of the second run stand where those of the first stood, which may have sent.
TASK_RUNS_ONCE_FOR = timedelta(minutes=50)
# Tron's daemon reads a receipt at the head of the chain, which is final about a minute later.
FINAL_AFTER = timedelta(minutes=2)


class OrderAnswer(Wire):
    """`POST /{crypto}/payout`, or `/multipayout`: a task, or for some coins the transactions at once."""

    task_id: StoredId | None = None
    result: tuple[StoredHash, ...] = ()

    @field_validator("result", mode="before")
    @classmethod
    def _one_alone(cls, value: object) -> object:
        """FIRO and Lightning name their transaction without brackets."""
        return (value,) if isinstance(value, str) else value or ()


class TaskResult(Wire):
    """What a task did for one destination."""

    dest: Words
    status: Words
    amount: Amount | None = None
    txids: tuple[StoredHash, ...] = ()
    message: Words | None = None
    details: Any = None


class TaskAnswer(Wire):
    """`GET /{crypto}/task/{task_id}`. Of a task that it does not know any more it says PENDING for ever."""

    status: Words
    result: tuple[TaskResult, ...] | Words | None = None


class StatusAnswer(Wire):
    """`GET /{crypto}/payout/status?external_id=`. A payout that it does not know is a 404."""

    id: Annotated[int, Field(ge=0, lt=1 << 63)] | None = None
    external_id: Words | None = None
    status: Words
    txid: StoredHash | tuple[StoredHash, ...] | None = None
    crypto: Words | None = None
    amount: Amount | None = None
    destination: Words | None = None


def answered(answer: HttpAnswer, names: Sequence[str]) -> PayoutObservation:
    """What the answer to an order of payouts, by the names that they were asked for by, proves of each.

    Raises CredentialsRefusedError if it says that the order stopped at the door, which is true only if the door is
    closed; RefusedTogetherError if an order of several was certainly refused as a whole.
    """
    status_code = answer.status
    if status_code == 401 or leads_to_login(answer):
        raise CredentialsRefusedError(BAD_PASSWORD)
    try:
        content = read_object(answer.content)
    except UnreadableError as error:
        return PayoutUnclear(reason=f"SHKeeper's answer {error} (status {status_code})")
    reason = reason_of(content)
    if reason.casefold() in CLOSED_DOORS:
        raise CredentialsRefusedError(BAD_PASSWORD)
    try:
        _require_own(content, names)
    except AnswerUnusableError as error:
        return PayoutUnclear(reason=str(error))
    if not is_error(content) and status_code < 300:
        return _accepted(content, names)
    if not _is_not_sent(content, status_code, len(names)):
        return PayoutUnclear(reason=f"SHKeeper answered {status_code}: {reason}")
    if len(names) > 1:
        raise RefusedTogetherError(f"SHKeeper refused them as a whole: {reason}")
    return PayoutFailed(reason=f"SHKeeper refused it: {reason}")


def _require_own(content: Mapping[str, Any], names: Sequence[str]) -> None:
    """Raises AnswerUnusableError if an answer names other payouts: of these, a task or a refusal of others proves
    nothing."""
    listed = content.get("external_ids")
    for field, said in (("external_id", [content.get("external_id")]), ("external_ids", listed)):
        for name in said if isinstance(said, list) else []:
            require_subject(field, name if isinstance(name, str) else None, *names)


def _is_not_sent(content: Mapping[str, Any], status_code: int, payouts: int) -> bool:
    by, words = _no(content)
    if by is RefusedBy.SHKEEPER and status_code != 500:
        return False
    if by is RefusedBy.WALLET and payouts == 1 and content["error"].get("code") in FIRO_NOT_SENT:
        return True
    return any(
        refusal.by is by and refusal.words.fullmatch(words) is not None and (payouts == 1 or refusal.of_several)
        for refusal in REFUSALS
    )


def _no(content: Mapping[str, Any]) -> tuple[RefusedBy | None, str]:
    error = content.get("error")
    if isinstance(error, Mapping):
        return RefusedBy.WALLET, str(error.get("message", ""))
    if isinstance(content.get("msg"), str):
        return RefusedBy.DAEMON, content["msg"]
    if isinstance(content.get("message"), str):
        return RefusedBy.SHKEEPER, content["message"]
    return None, ""


def _accepted(content: Mapping[str, Any], names: Sequence[str]) -> PayoutObservation:
    try:
        answer = OrderAnswer.model_validate(content)
    except ValidationError as error:
        return PayoutUnclear(reason=f"SHKeeper's answer is not as expected: {faults(error)}")
    if answer.task_id is not None:
        return PayoutAccepted(task_id=answer.task_id, parts=len(names))
    if not answer.result:
        return PayoutUnclear(reason="SHKeeper's answer names neither a task nor a transaction")
    if len(names) > 1:  # of which part, nobody can tell
        return PayoutUnclear(reason="SHKeeper named transactions, but not which of them is for whom")
    return PayoutSent(tx_hashes=answer.result)


def of_task(payout: Payout, task: TaskAnswer, now: datetime) -> list[PayoutObservation]:
    """What a daemon's task proves of a payout; nothing while it runs."""
    if task.status == "FAILURE":
        words = task.result if isinstance(task.result, str) else "without a reason"
        if _has_not_sent(payout, words, now):
            return [PayoutFailed(reason=f"SHKeeper's task failed before it sent anything: {shown(words)}")]
        return [PayoutInDoubt(reason=f"SHKeeper's task failed, maybe after it had sent: {shown(words)}")]
    if task.status != "SUCCESS":
        return []
    results = task.result if isinstance(task.result, tuple) else ()
    own = _own(payout, results)
    if own is None:
        return [PayoutInDoubt(reason="SHKeeper's task succeeded, and names no result for this payout's address")]
    elsewhere = _elsewhere(payout, own)
    if elsewhere is not None and own.txids:
        return [PayoutSent(tx_hashes=own.txids, stated=Stated(amount=own.amount, destination=elsewhere))]
    observed = _of_result(own, now)
    if payout.coin in FINAL_BY_TASK and own.status == "success" and own.txids:
        observed.append(PayoutConfirmed())
    return observed


def _has_ended(task: TaskAnswer | None) -> bool:
    return task is not None and task.status in ("SUCCESS", "FAILURE")


def _has_not_sent(payout: Payout, words: str, now: datetime) -> bool:
    ran_once = now < (payout.facts.asked_at or payout.created_at) + TASK_RUNS_ONCE_FOR
    return ran_once and payout.has_task_alone and any(pattern.fullmatch(words) for pattern in TASK_NOT_SENT)


def _own(payout: Payout, results: Sequence[TaskResult]) -> TaskResult | None:
    """The result for one payout. A task for one has one, in whatever form the daemon writes the address (XRP's
    X-address comes back as a classic one); the others are found by it, whatever its case, as SHKeeper does."""
    if payout.has_task_alone and len(results) == 1:
        return results[0]
    own = [result for result in results if result.dest.casefold() == payout.destination.casefold()]
    return own[0] if len(own) == 1 else None


def _elsewhere(payout: Payout, result: TaskResult) -> str | None:
    """Where a result says that it was sent, if that is not where it was to go, in any of the ways to write that."""
    spellings = spellings_of(payout.coin, payout.destination)
    is_there = result.dest.casefold() in {one.casefold() for one in spellings}
    return None if is_there else result.dest


def _of_result(result: TaskResult, now: datetime) -> list[PayoutObservation]:
    words = shown(result.message or "without a reason")
    if not result.txids:
        succeeded = result.status == "success"
        observed = "succeeded, and names no transaction" if succeeded else f"reports an error without one: {words}"
        return [PayoutInDoubt(reason=f"SHKeeper's task {observed}")]
    if result.status == "success":
        return [PayoutSent(tx_hashes=result.txids, stated=Stated(amount=result.amount))]
    mined_at = _reverted_at(result.details, now)
    if mined_at is not None:
        reason, is_final = f"its transaction failed on the chain: {words}", now - mined_at > FINAL_AFTER
        return [PayoutReverted(tx_hashes=result.txids, reason=reason, is_final=is_final)]
    return [
        PayoutSent(tx_hashes=result.txids),
        PayoutInDoubt(reason=f"SHKeeper's task reports an error: {words}"),
    ]


def _reverted_at(details: object, now: datetime) -> datetime | None:
    """The time of the block in which Tron's chain, as its daemon shows it, has a call of a token's contract to no
    effect; None if it does not show that, or a time that cannot be right."""
    if not isinstance(details, Mapping) or "contract_address" not in details:
        return None
    receipt, milliseconds = details.get("receipt"), details.get("blockTimeStamp")
    said = receipt.get("result") if isinstance(receipt, Mapping) else None
    if not isinstance(said, str) or said == "SUCCESS" or not isinstance(milliseconds, int):
        return None
    try:
        mined_at = datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return mined_at if can_be_right(mined_at, now) else None


def of_status(payout: Payout, answer: StatusAnswer, task: TaskAnswer | None) -> list[PayoutObservation]:
    """What SHKeeper's own record of a payout proves, beside its task as far as that was read. One without a
    transaction proves nothing of what became of it: it is there too where the wallet refused the order, and FAIL
    where the wallet was only too slow to answer."""
    txids = (answer.txid,) if isinstance(answer.txid, str) else answer.txid or ()
    stated = Stated(coin=answer.crypto, amount=answer.amount, destination=answer.destination)
    sent: list[PayoutObservation] = [PayoutSent(tx_hashes=txids, stated=stated)] if txids else []
    name = payout.external_id
    # It may be under a name of before, of which there is another record.
    record = str(answer.id) if answer.id is not None and answer.external_id == name else None
    is_another = record is not None and record not in payout.facts.records.get(name or "", ())
    is_news = name not in payout.facts.booked or is_another
    # Of one that has failed it may be another's, which was given its name before the journal was restored.
    if name is not None and is_news and not payout.facts.failures:
        sent.insert(0, PayoutBooked(external_id=name, provider_id=record, stated=stated))
    if answer.status == "SUCCESS":
        if payout.coin in TRC20 and payout.facts.task_id is not None and not _has_ended(task):
            return sent  # what the chain made of it stands in the task
        return [*sent, PayoutConfirmed(stated=stated)]
    if answer.status == "FAIL" and not payout.facts.failures:
        return [*sent, PayoutInDoubt(reason="SHKeeper's books say FAIL, which they do of what was sent, too")]
    return sent
