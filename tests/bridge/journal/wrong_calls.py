"""What mypy must refuse of those who read from the journal and write to it; it is never run. Every comment below that
has nothing to ignore is an error of `mypy --strict`, and so is every wrong call that is not refused."""

import functools
from datetime import datetime

from bridge.journal import Journal
from bridge.journal.queries import chains, payments
from bridge.journal.queries.readers import Read
from bridge.journal.requests import approvals
from bridge.journal.requests.payments import ONE_ID, made_before
from bridge.journal.writing.writer import Submit

__all__: list[str] = []


async def _wrong_names(journal: Journal) -> None:
    await journal.payment_records("payment-1")  # type: ignore[attr-defined]
    await journal.chains.transfers_from("ethereum", 1)  # type: ignore[attr-defined]
    await journal.refunds.refund(refund="refund-1")  # type: ignore[call-arg]


async def _wrong_queries(read: Read, now: datetime) -> None:
    await read(chains.chain_alarm, now)  # type: ignore[attr-defined]
    await read(chains.chain_alarms, "yesterday")  # type: ignore[arg-type]
    await read(chains.chain_alarms, since=now, until=now)  # type: ignore[call-arg]
    await read(payments.payment_record)  # type: ignore[call-arg]
    await read(lambda: None)  # type: ignore[arg-type, misc]
    found: int = await read(payments.payment_record, "payment-1")  # type: ignore[arg-type]
    del found


async def _wrong_requests(submit: Submit) -> None:
    await submit(lambda batch: approvals.approve_payouts(batch))  # type: ignore[attr-defined]
    await submit(functools.partial(approvals.approve_payout, payout="payout-1"))  # type: ignore[call-arg]
    await submit(lambda batch: batch.payouts.get(1))  # type: ignore[arg-type]
    await submit(lambda batch: made_before(batch, "key-1", ONE_ID))  # type: ignore[arg-type]
    await submit(lambda batch: made_before(batch, None))  # type: ignore[call-arg]
