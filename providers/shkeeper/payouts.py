"""SHKeeper's payouts: asking for one, and finding out what became of it.

SHKeeper sends the money first and writes it down after, so an answer that is missing, broken or an error does not say
that nothing was sent, and that it does not know a payout does not either. A payout is therefore asked for once, and
whatever is not a clear answer is unclear.
"""

from collections.abc import Sequence
from typing import Any, Literal
from urllib.parse import quote

import httpx
from pydantic import ValidationError

from coordinator.ids import Id
from coordinator.money import format_amount
from coordinator.payout_observations import (
    PayoutAccepted,
    PayoutConfirmed,
    PayoutFailed,
    PayoutKnown,
    PayoutObservation,
    PayoutSent,
    PayoutUnclear,
)
from coordinator.payouts import Payout
from providers.contract import ProviderRefusedError, ProviderUnavailableError
from providers.shkeeper.api import SHOWN_CHARACTERS, ShkeeperApi
from providers.shkeeper.circuits import ALL_WALLETS
from providers.shkeeper.webhooks import PROVIDER
from providers.shkeeper.wire import UnreadableError, Wire, faults, read_object

__all__ = ["ShkeeperPayouts"]

# What fails before a byte of the question has left.
NOT_REACHED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
BAD_CREDENTIALS = "bad http basic auth credentials"
# SHKeeper wants the field; chains that set the fee themselves ignore it.
NO_FEE = "0"


class AnyAnswer(Wire):
    """Whatever it is, SHKeeper is there."""


class PayoutAnswer(Wire):
    """`POST /{crypto}/payout`, or `/multipayout`: a task, or for some coins the transactions at once."""

    task_id: Id | None = None
    result: tuple[Id, ...] = ()


class TaskResult(Wire):
    """What a task did for one destination."""

    dest: str
    status: Literal["success", "error"]
    txids: tuple[Id, ...] = ()
    message: str | None = None


class TaskAnswer(Wire):
    """`GET /{crypto}/task/{task_id}`."""

    status: str
    result: tuple[TaskResult, ...] | str | None = None


class StatusAnswer(Wire):
    """`GET /{crypto}/payout/status?external_id=`. A payout that it does not know is a 404."""

    status: Literal["IN_PROGRESS", "SUCCESS", "FAIL"]
    txid: Id | tuple[Id, ...] | None = None


class ShkeeperPayouts:
    """Payouts of one SHKeeper, in the name of its operator."""

    provider = PROVIDER

    def __init__(self, api: ShkeeperApi, *, user: str, password: str, callback_url: str) -> None:
        self._api = api
        self._operator = httpx.BasicAuth(user, password)
        self._callback_url = callback_url

    async def check(self) -> None:
        await self._api.ask(AnyAnswer, "GET", "crypto", coin=ALL_WALLETS)

    async def send_payouts(self, payouts: Sequence[Payout]) -> Sequence[PayoutObservation]:
        coin = quote(payouts[0].coin)
        if len(payouts) == 1:
            return [await self._ask_once(f"{coin}/payout", self._single(payouts[0]))]
        outcome = await self._ask_once(f"{coin}/multipayout", [self._part(payout) for payout in payouts])
        if isinstance(outcome, PayoutSent):  # of which part, nobody can tell
            outcome = PayoutUnclear(reason="SHKeeper named transactions, but not which of them is for whom")
        return [outcome] * len(payouts)

    def _single(self, payout: Payout) -> dict[str, str]:
        return {
            "amount": format_amount(payout.amount),
            "destination": payout.destination,
            "fee": NO_FEE if payout.fee is None else format_amount(payout.fee),
            "external_id": payout.payout_id,
            "callback_url": self._callback_url,
        }

    def _part(self, payout: Payout) -> dict[str, str]:
        return {
            "dest": payout.destination,
            "amount": format_amount(payout.amount),
            "external_id": payout.payout_id,
            "callback_url": self._callback_url,
        }

    async def _ask_once(self, path: str, content: object) -> PayoutObservation:
        try:
            response = await self._api.once.post(path, json=content, auth=self._operator)
        except NOT_REACHED as error:
            raise ProviderUnavailableError(f"SHKeeper was not reached ({type(error).__name__})") from None
        except httpx.HTTPError as error:
            return PayoutUnclear(reason=f"no whole answer came from SHKeeper ({type(error).__name__})")
        return _answered(response)

    async def look_up_payout(self, payout: Payout) -> Sequence[PayoutObservation]:
        task_id = payout.facts.task_id
        of_task = [] if task_id is None else await self._look_up_task(payout, task_id)
        return [*of_task, *await self._look_up_status(payout)]

    async def _look_up_task(self, payout: Payout, task_id: str) -> list[PayoutObservation]:
        path = f"{quote(payout.coin)}/task/{quote(task_id, safe='')}"
        task = await self._api.ask(TaskAnswer, "GET", path, coin=payout.coin, operator=self._operator)
        if task.status == "FAILURE":
            return [PayoutFailed(reason=f"SHKeeper's task failed: {str(task.result)[:SHOWN_CHARACTERS]}")]
        results = task.result if task.status == "SUCCESS" and isinstance(task.result, tuple) else ()
        # SHKeeper itself finds a task's results by the address, whatever its case.
        own = [result for result in results if result.dest.casefold() == payout.destination.casefold()]
        return [_of_result(own[0])] if len(own) == 1 else []

    async def _look_up_status(self, payout: Payout) -> list[PayoutObservation]:
        path = f"{quote(payout.coin)}/payout/status?external_id={quote(payout.payout_id, safe='')}"
        answer = await self._api.ask_for_known(StatusAnswer, path)
        if answer is None:
            return []
        txids = (answer.txid,) if isinstance(answer.txid, str) else answer.txid or ()
        sent: list[PayoutObservation] = [PayoutSent(tx_hashes=txids)] if txids else []
        match answer.status:
            case "SUCCESS":
                return [PayoutKnown(), *sent, PayoutConfirmed()]
            case "FAIL":
                return [PayoutKnown(), *sent, PayoutFailed(reason="SHKeeper says that it failed")]
            case _:
                return [PayoutKnown(), *sent]


def _answered(response: httpx.Response) -> PayoutObservation:
    """What an answer to the question means. Raises ProviderRefusedError if the question stopped at the door."""
    if response.is_redirect or response.status_code == 401:
        raise ProviderRefusedError("SHKeeper does not accept the operator's user and password")
    try:
        content = read_object(response.content)
    except UnreadableError as error:
        return PayoutUnclear(reason=f"SHKeeper's answer {error} (status {response.status_code})")
    message = str(content.get("message", ""))[:SHOWN_CHARACTERS]
    if message.casefold() == BAD_CREDENTIALS:
        raise ProviderRefusedError("SHKeeper does not accept the operator's user and password")
    if not response.is_success or content.get("status") == "error":
        return PayoutUnclear(reason=f"SHKeeper answered {response.status_code}: {message or 'without a reason'}")
    return _accepted(content)


def _accepted(content: dict[str, Any]) -> PayoutObservation:
    try:
        answer = PayoutAnswer.model_validate(content)
    except ValidationError as error:
        return PayoutUnclear(reason=f"SHKeeper's answer is not as expected: {faults(error)}")
    if answer.task_id is not None:
        return PayoutAccepted(task_id=answer.task_id)
    if answer.result:
        return PayoutSent(tx_hashes=answer.result)
    return PayoutUnclear(reason="SHKeeper's answer names neither a task nor a transaction")


def _of_result(result: TaskResult) -> PayoutObservation:
    if result.txids:
        return PayoutSent(tx_hashes=result.txids)
    if result.status == "error":
        message = (result.message or "without a reason")[:SHOWN_CHARACTERS]
        return PayoutFailed(reason=f"SHKeeper's task failed: {message}")
    return PayoutKnown()
