"""The local SHKeeper says what a real one said: every recorded question is asked again, and every field compared.

The recording is of vsys-host/shkeeper.io 82ff19e (2026-07-01), with coin daemons that were played.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from providers.shkeeper.simulator.books.outbox import Subject
from providers.shkeeper.simulator.notices import signed_headers
from providers.shkeeper.simulator.server import serving
from providers.shkeeper.simulator.terms.terms import FeePolicy, Fees
from tests.providers.shkeeper.comparison import Comparison
from tests.providers.shkeeper.replay import Posted, Replay, Words

RECORDED = Path(__file__).parent / "recorded"


def by_scenario(name: str) -> dict[str, list[Words]]:
    lines = defaultdict(list)
    for line in (RECORDED / name).read_text("utf-8").splitlines():
        read = json.loads(line)
        lines[read["scenario"]].append(read)
    return dict(lines)


EXCHANGES, WEBHOOKS = by_scenario("exchanges.jsonl"), by_scenario("webhooks.jsonl")
# Several threads of the real one ran a race: which transfers were counted, and in which order all were listed. How
# many were counted in the end is played, and what each of the threads saw on the way there cannot be.
RACES = {"eight-at-once", "eight-at-once-2"}
# Its fees were set in the scenario before it.
NO_FEE_IN = {"limits": "BNB-USDT"}
# How long the next try of a notice takes at most: the rounds of the loop, and the age that a transaction must have.
LONGEST_PAUSES = {Subject.INVOICE: 120, Subject.UNCONFIRMED: 60, Subject.PAYOUT: 60}


def replay_of(scenario: str) -> Replay:
    replay = Replay(EXCHANGES[scenario], WEBHOOKS.get(scenario, []))
    if scenario == "no-unconfirmed-notices":
        replay.tell_less()
    if scenario in NO_FEE_IN:
        replay.gateway.terms.fees[NO_FEE_IN[scenario], "USD"] = Fees(FeePolicy.NO_FEE)
    return replay


def in_one_order(answer: Any) -> Any:
    """An answer with its transactions in the order of their hashes."""
    for invoice in answer.get("invoices", []):
        invoice["txs"].sort(key=lambda transaction: transaction["txid"])
    return answer


def test_the_recording_is_whole() -> None:
    assert sum(len(lines) for lines in EXCHANGES.values()) == 898
    assert sum(len(lines) for lines in WEBHOOKS.values()) == 135
    assert EXCHANGES.keys() > WEBHOOKS.keys() > RACES


@pytest.mark.parametrize("scenario", EXCHANGES)
def test_every_answer_and_every_notice_is_as_it_was(scenario: str) -> None:
    replay = replay_of(scenario)
    differences: list[str] = []
    for exchange in replay.exchanges:
        answered = replay.play(exchange)
        about = f"{exchange['about']}: "
        expected = (exchange["status"], exchange.get("content_type", "application/json"), exchange.get("location"))
        found = (answered.status, answered.content_type, answered.headers.get("Location"))
        if expected != found:
            differences.append(f"{about}{expected} is {found} here")
        if (exchange.get("seconds", 0) >= 10) != (answered.seconds == 10):
            differences.append(f"{about}it takes {answered.seconds} s here")
        if "answer" in exchange:
            local = json.loads(answered.body)
            if scenario in RACES:
                exchange, local = exchange | {"answer": in_one_order(exchange["answer"])}, in_one_order(local)
            differences += replay.comparison.differences(exchange["answer"], local, where=about)
    replay.end()
    compare = raced_notices if scenario in RACES else notices
    assert differences + list(compare(replay)) == []


def notices(replay: Replay) -> Iterable[str]:
    """What differs between the notices that were posted, in their order, and the recorded ones."""
    if len(replay.posted) != len(replay.webhooks):
        yield f"{len(replay.webhooks)} notices are {len(replay.posted)} here"
    for webhook, posted in zip(replay.webhooks, replay.posted, strict=False):
        yield from body_differences(replay.comparison, webhook, posted)
    yield from pauses(replay.posted)


def body_differences(comparison: Comparison, webhook: Words, posted: Posted) -> list[str]:
    recorded, local = json.loads(webhook["body"]), json.loads(posted.body)
    about = f"{webhook['about']}: "
    assert json.dumps(local, separators=(",", ":"), sort_keys=True) == posted.body
    assert json.dumps(recorded, separators=(",", ":"), sort_keys=True) == webhook["body"]
    return comparison.differences(recorded, local, where=about)


def pauses(posted: list[Posted]) -> Iterable[str]:
    """Notices that came again too early or too late."""
    last: dict[tuple[Subject, str, str], datetime] = {}
    for one in posted:
        key = (one.subject, one.txid, json.loads(one.body)["external_id"])
        pause = (one.at - last[key]).total_seconds() if key in last else None
        if pause is not None and not 0 < pause <= LONGEST_PAUSES[one.subject]:
            yield f"{one.subject} of {one.txid} again after {pause} s"
        if pause is not None and one.subject is Subject.INVOICE and one.at < one.since + timedelta(seconds=60):
            yield f"{one.txid} again when it was {one.at - one.since} old"
        last[key] = one.at


def raced_notices(replay: Replay) -> Iterable[str]:
    """What differs between notices that ran a race, of what no race changes: one for each transfer, and what each is
    worth."""
    by_trigger: dict[str, Words] = {}
    for body in (json.loads(posted.body) for posted in replay.posted):
        [trigger] = [part["txid"] for part in body["transactions"] if part["trigger"]]
        by_trigger[trigger] = body
    if len(by_trigger) != len(replay.posted):
        yield "a transfer was told twice"
    for recorded in (json.loads(webhook["body"]) for webhook in replay.webhooks):
        [trigger] = [part["txid"] for part in recorded["transactions"] if part["trigger"]]
        local = by_trigger.pop(trigger)
        part = recorded["transactions"][0] | {"trigger": False}
        raced = {"transactions": [part], "balance_fiat": "", "balance_crypto": "", "status": "", "paid": False}
        same_for_all = {json.dumps(one | {"trigger": False, "txid": "", "date": ""}) for one in local["transactions"]}
        yield from replay.comparison.differences(
            recorded | raced, local | raced | {"transactions": [part]}, where=trigger
        )
        if same_for_all != {json.dumps(part | {"txid": "", "date": ""}, sort_keys=True)}:
            yield f"{trigger}: {same_for_all} is not {part}"
        if Decimal(local["balance_fiat"]) % Decimal(part["amount_fiat"]):
            yield f"{trigger}: {local['balance_fiat']} is no sum of such transfers"
    yield from (f"{trigger} was told of here only" for trigger in by_trigger)


@pytest.mark.parametrize("scenario", ["refusals-BTC", "refused-payouts-ETH-USDT", "lookups-DOGE", "no-task-XMR"])
async def test_what_is_said_on_the_wire_is_the_same(scenario: str) -> None:
    replay = replay_of(scenario)
    differences: list[str] = []
    async with serving(replay.gateway) as url, httpx.AsyncClient(verify=False, trust_env=False) as client:
        for exchange in replay.exchanges:
            question = replay.question(exchange)
            _, _, target = exchange["ask"].partition(" ")
            answered = await client.request(
                question.method,
                f"{url}/api/v1/{target}",
                content=question.body,
                headers={**question.headers, "content-type": "application/json"},
            )
            assert answered.status_code == exchange["status"], exchange["about"]
            content_type = answered.headers["content-type"].split(";")[0]
            assert content_type == exchange.get("content_type", "application/json")
            assert answered.headers.get("location") == exchange.get("location")
            if "answer" in exchange:
                about = f"{exchange['about']}: "
                differences += replay.comparison.differences(exchange["answer"], answered.json(), where=about)
    assert differences == []


@pytest.mark.parametrize("scenario", WEBHOOKS)
def test_every_notice_is_signed_as_it_was(scenario: str) -> None:
    for webhook in WEBHOOKS[scenario]:
        at = datetime.fromtimestamp(int(webhook["headers"]["X-Shkeeper-Timestamp"]), UTC)
        with_key = "payout_id" not in json.loads(webhook["body"])
        headers = signed_headers(webhook["key"], webhook["body"].encode(), at, with_key=with_key)
        assert headers == webhook["headers"]
