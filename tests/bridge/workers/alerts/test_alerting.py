"""Who is told of what needs a person: a real journal, a real mail server and a real chat, none of them kind."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bridge.http.ops.overview import all_that_needs_a_person, needs_a_person
from bridge.journal import ALERTS, Journal
from bridge.workers.alerts.alerting import Alerting, check_delivery
from bridge.workers.alerts.destinations import Destination, destinations
from bridge.workers.alerts.settings import AlertSettings, ChatSettings
from bridge.workers.health.checks import DegradedError
from coordinator.attention.alert_messages import AlertMessage
from coordinator.attention.alerts import Alert, closed, reopened, snoozed
from tests.answering_server import Asked, answering_requests
from tests.clock import Clock
from tests.mail_sink import MailSink, running_mail_sink
from tests.resuming import resumed

WAIT = timedelta(hours=72)
SECRET_PATH = "/services/T0/B0/a-secret-that-nobody-shows"
ADA, BOB = "ada@shop.example", "bob@shop.example"


class Chat:
    """A chat on loopback, and what was written to it."""

    def __init__(self) -> None:
        self.url = ""
        self.texts: list[str] = []
        self.status = 200

    def answer(self, asked: Asked) -> tuple[int, Any] | None:
        if self.status == 200 and asked.path == SECRET_PATH:
            self.texts.append(json.loads(asked.body)["text"])
        return self.status, f"no {asked.path}"


@pytest.fixture(scope="module")
def mails() -> Iterator[MailSink]:
    with running_mail_sink() as sink:
        yield sink


@pytest.fixture(scope="module")
def running_chat() -> Iterator[Chat]:
    chat = Chat()
    with answering_requests(chat.answer) as chat.url:
        yield chat


@pytest.fixture
def mail(mails: MailSink) -> MailSink:
    mails.mails.clear()
    mails.dropped.clear()
    mails.refused.clear()
    mails.greylisted.clear()
    return mails


@pytest.fixture
def chat(running_chat: Chat) -> Chat:
    running_chat.texts.clear()
    running_chat.status = 200
    return running_chat


Make = Callable[..., Alerting]


@pytest.fixture
def make(journal: Journal, mail: MailSink, chat: Chat) -> Make:
    """What tells Ada and Bob by mail, and a chat. That payouts are held is critical here."""

    def make(journal: Journal = journal, **changes: object) -> Alerting:
        finance = {"kind": "mail", "host": "127.0.0.1", "port": mail.port, "security": "none"}
        channels = {
            "finance": {**finance, "sender": "bridge@shop.example", "to": [ADA, BOB]},
            "ops-chat": {"kind": "chat"},
        }
        secrets = {} if "channels" in changes else {"BRIDGE_ALERT_SECRET_OPS_CHAT": chat.url + SECRET_PATH}
        fields = {"severities": {"payouts-held": "critical"}, "channels": channels, **changes}
        settings = AlertSettings.model_validate(fields)
        return Alerting(
            journal,
            partial(all_that_needs_a_person, journal, WAIT),
            destinations(settings, secrets),
            schedule=settings.schedule,
            severities=settings.how_bad,
            console_url="https://bridge.example/ops",
            look_seconds=1,
        )

    return make


async def look(alerting: Alerting) -> None:
    await alerting.round()
    await alerting.told()


async def steps(journal: Journal) -> list[str]:
    return [one.what for one in await journal.alerts.steps("payouts-held:payouts")]


async def test_everybody_is_told_once_and_a_restart_tells_nobody_again(
    journal: Journal, make: Make, mail: MailSink, chat: Chat, clock: Clock
) -> None:
    await look(make())
    assert (mail.mails, chat.texts) == ([], [])
    await journal.console.hold_payouts(by="Eve <!channel>", note="Subject: x\u2028<http://evil.example|y>")
    alerting = make()
    await look(alerting)
    [to_ada], [to_bob], [text] = mail.to(ADA), mail.to(BOB), chat.texts
    assert to_ada["Subject"] == "[critical] No payout is sent"
    assert (to_ada["From"], to_ada["To"], to_bob["To"]) == ("bridge@shop.example", ADA, BOB)
    assert "https://bridge.example/ops" in to_ada.get_content()
    assert "&lt;!channel&gt;" in text
    assert "<!" not in text
    assert "<http://evil" not in text
    for _ in range(2):
        clock.move(hours=1)
        await look(alerting)
        await look(make())
    assert (len(mail.mails), len(chat.texts)) == (2, 1)
    assert await steps(journal) == ["opened", "told", "told", "told"]


async def test_an_end_is_said_in_the_digest_and_what_comes_back_is_told_again(
    journal: Journal, make: Make, mail: MailSink, clock: Clock
) -> None:
    alerting = make()
    await journal.console.hold_payouts(by="Ada", note=None)
    await look(alerting)
    await resumed(journal, by="Ada", note=None)
    clock.move(minutes=20)
    await look(alerting)
    assert len(mail.to(ADA)) == 1
    clock.move(hours=1)
    await look(alerting)
    assert mail.to(ADA)[1]["Subject"] == "The bridge: 1 over"
    assert "No payout is sent: needs nobody any more" in mail.to(ADA)[1].get_content()
    await journal.console.hold_payouts(by="Ada", note=None)
    await look(alerting)
    clock.move(minutes=2)
    await look(alerting)
    assert [one["Subject"] for one in mail.to(ADA)[2:]] == ["[critical] No payout is sent"]
    assert "again since" in mail.to(ADA)[2].get_content()
    assert [one for one in await steps(journal) if one != "told"] == ["opened", "ended", "back"]


async def test_who_is_told_of_an_end_while_it_is_reopened_is_told_that_it_is_open_again(
    journal: Journal, make: Make, mail: MailSink, clock: Clock
) -> None:
    await journal.console.hold_payouts(by="Ada", note=None)
    alerting = make()
    await look(alerting)
    [item] = await needs_a_person(journal, WAIT)
    act = partial(journal.alerts.act, item, by="Ada", severities=alerting._severities)
    await act(lambda alert, now: closed(alert, "Ada", "it is known", now), action="closure")
    clock.move(hours=1)
    await alerting.round()
    await act(lambda alert, now: reopened(alert, None, now), action="reopening")
    await alerting.told()
    clock.move(minutes=2)
    await look(alerting)
    assert [one["Subject"] for one in mail.to(ADA)] == [
        "[critical] No payout is sent",
        "The bridge: 1 over",
        "[critical] No payout is sent",
    ]


async def test_a_thousand_at_once_are_one_message_to_each(
    journal: Journal, make: Make, mail: MailSink, chat: Chat, clock: Clock
) -> None:
    store = partial(journal.store_unreadable_webhook, provider="shkeeper", reason="status: unknown")
    await asyncio.gather(*(store(body=f"{number}".encode()) for number in range(1000)))
    alerting = make()
    clock.move(minutes=1)
    await look(alerting)
    assert mail.mails == []
    clock.move(hours=1)
    await look(alerting)
    await look(alerting)
    [to_ada], [_], [_] = mail.to(ADA), mail.to(BOB), chat.texts
    assert to_ada["Subject"] == "The bridge needs a person: 200 warning"
    assert "180 more: 180 webhook-unreadable" in to_ada.get_content()


async def test_a_greylist_lets_it_through_later_and_a_refused_recipient_keeps_nobody_else_from_it(
    journal: Journal, make: Make, mail: MailSink, clock: Clock
) -> None:
    mail.greylisted[ADA] = 2
    mail.refused.add(BOB)
    await journal.console.hold_payouts(by="Ada", note=None)
    alerting = make()
    await look(alerting)
    ada, bob, _ = await states(journal, count=2)
    assert ada.problem == f"127.0.0.1 refuses {ADA}: 451 4.7.1 greylisted, come back later"
    assert bob.problem == f"127.0.0.1 refuses {BOB}: 550 5.1.1 nobody here\\u0009is called that"
    await look(alerting)
    assert mail.greylisted[ADA] == 1  # nobody is asked again before its time
    for seconds in (61, 121):
        clock.move(seconds=seconds)
        await look(make())
    assert (len(mail.to(ADA)), len(mail.to(BOB))) == (1, 0)
    assert (await states(journal, count=1))[0].destination == f"finance {BOB}"


async def states(journal: Journal, *, count: int) -> list[Any]:
    """Those that fail, and then the others."""
    found = sorted(await journal.alerts.states(), key=lambda one: one.failures == 0)
    assert [one.failures > 0 for one in found] == [True] * count + [False] * (len(found) - count)
    return found


async def test_what_breaks_off_once_the_server_has_the_mail_is_told_again_under_the_same_name(
    journal: Journal, make: Make, mail: MailSink, clock: Clock
) -> None:
    await journal.console.hold_payouts(by="Ada", note=None)
    mail.drops_in_data = 2
    alerting = make()
    await look(alerting)
    assert mail.mails == []
    names = {name for name, one in alerting._destinations.items() if one.channel == "finance"}
    assert {one.destination for one in await states(journal, count=2) if one.failures} == names
    clock.move(seconds=61)
    await look(alerting)
    clock.move(hours=1)
    await look(alerting)
    [to_ada] = mail.to(ADA)
    assert to_ada["Message-ID"].endswith("@shop.example>")


async def test_what_may_have_arrived_is_repeated_as_it_was_and_what_is_new_is_in_the_next(
    journal: Journal, make: Make, mail: MailSink, clock: Clock
) -> None:
    clock.move(seconds=1)
    await journal.console.hold_payouts(by="Ada", note=None)
    mail.drops_in_data = 2
    severities = {"payouts-held": "critical", "webhook-unreadable": "critical"}
    await look(make(severities=severities))
    await journal.store_unreadable_webhook(provider="shkeeper", reason="status: unknown", body=b"1")
    await resumed(journal, by="Ada", note=None)
    mail.greylisted[ADA] = 1
    clock.move(seconds=61)
    await look(make(severities=severities))
    clock.move(seconds=121)
    await look(make(severities=severities))
    [(_, dropped)] = [one for one in mail.dropped if one[0] == ADA]
    [repeated] = mail.to(ADA)
    said = [(one["Message-ID"], one["Subject"], one.get_content()) for one in (dropped, repeated)]
    assert said[0] == said[1]
    clock.move(seconds=61)
    await look(make(severities=severities))
    clock.move(hours=2)
    await look(make(severities=severities))
    assert [one["Subject"] for one in mail.to(ADA)[1:]] == [
        "[critical] A webhook of shkeeper could not be read",
        "The bridge: 1 over",
    ]
    assert len({one["Message-ID"] for one in mail.to(ADA)}) == 3


async def test_who_is_killed_while_it_tells_somebody_has_it_repeated_as_it_was(
    journal: Journal, make: Make, mail: MailSink, clock: Clock
) -> None:
    await journal.console.hold_payouts(by="Ada", note=None)
    killed = make()

    async def dies_before(_write: object) -> None:
        """What comes after the mail is not written down any more."""

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(killed, "_written", dies_before)
        await look(killed)
    await journal.store_unreadable_webhook(provider="shkeeper", reason="status: unknown", body=b"1")
    await look(make(severities={"payouts-held": "critical", "webhook-unreadable": "critical"}))
    first, second = mail.to(ADA)
    assert (first["Message-ID"], first.get_content()) == (second["Message-ID"], second.get_content())


async def test_a_channel_that_has_failed_for_long_needs_a_person_whom_the_others_tell(
    journal: Journal, make: Make, mail: MailSink, chat: Chat, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="bridge")
    await journal.console.hold_payouts(by="Ada", note=None)
    chat.status = 404
    alerting = make()
    for _ in range(5):
        await look(alerting)
        assert await check_delivery(journal) is None
        clock.move(minutes=4)
    clock.move(minutes=16)
    await look(alerting)
    with pytest.raises(DegradedError, match=r"ops-chat is not told of what needs a person: the chat answers 404$"):
        await check_delivery(journal)
    assert (await needs_a_person(journal, WAIT))[0].key == "alerts-undelivered:ops-chat"
    await look(alerting)
    assert [one["Subject"] for one in mail.to(ADA)] == [
        "[critical] No payout is sent",
        "[critical] Alerts do not arrive",
    ]
    assert "ops-chat: the chat answers 404\r\n" in mail.to(ADA)[1].get_content()
    chat.status = 200
    clock.move(hours=1)
    await look(alerting)
    [text] = chat.texts
    assert "Alerts do not arrive" not in text
    assert await check_delivery(journal) is None
    assert [one.kind for one in await needs_a_person(journal, WAIT)] == ["payouts-held"]
    assert "a-secret-that-nobody-shows" not in caplog.text + str(await journal.alerts.steps("payouts-held:payouts"))


async def test_nobody_is_told_of_what_is_snoozed_until_it_is_back_or_of_what_is_closed(
    journal: Journal, make: Make, mail: MailSink, clock: Clock
) -> None:
    await journal.console.hold_payouts(by="Ada", note=None)
    alerting = make(channels={})
    await look(alerting)
    [item] = await needs_a_person(journal, WAIT)
    until = clock() + timedelta(hours=2)
    act = partial(journal.alerts.act, item, by="Ada", severities=alerting._severities)
    await act(lambda alert, _now: snoozed(alert, until, None), action="snooze")
    alerting = make()
    clock.move(minutes=119)
    await look(alerting)
    assert mail.mails == []
    clock.move(minutes=1)
    await look(alerting)
    assert len(mail.to(ADA)) == 1
    await act(lambda alert, now: closed(alert, "Ada", "it is known", now), action="closure")
    clock.move(hours=1)
    await look(make())
    assert "closed by Ada" in mail.to(ADA)[1].get_content()
    clock.move(days=1)
    await look(make())
    assert len(mail.to(ADA)) == 2
    assert [one.action for one in await journal.console.actions(2)] == ["closure", "snooze"]


async def test_a_channel_that_is_taken_out_leaves_nothing_that_needs_a_person(
    journal: Journal, make: Make, chat: Chat, clock: Clock
) -> None:
    await journal.console.hold_payouts(by="Ada", note=None)
    chat.status = 500
    await look(make(undelivered_minutes=0))
    assert len(await needs_a_person(journal, WAIT)) == 2
    await look(make(channels={}))
    assert len(await needs_a_person(journal, WAIT)) == 1


async def test_what_ended_is_forgotten_with_its_past_once_its_retention_is_over(
    journal: Journal, make: Make, clock: Clock
) -> None:
    await journal.console.hold_payouts(by="Ada", note=None)
    await look(make())
    assert await journal.retention.forget_alerts(before=clock() + timedelta(days=1)) == 0
    await resumed(journal, by="Ada", note=None)
    clock.move(hours=1)
    await look(make())
    clock.move(days=1)
    assert await journal.retention.forget_alerts(before=clock()) > 1
    assert await steps(journal) == []


@pytest.fixture
async def beside(empty_journals: Any, clock: Clock) -> AsyncIterator[tuple[Journal, Journal]]:
    """Two bridges that share a journal."""
    with empty_journals.one() as url:
        journals = [await Journal.open(url, clock, is_shared=True) for _ in range(2)]
        yield journals[0], journals[1]
        for journal in journals:
            await journal.close()


async def test_of_two_bridges_one_remembers_and_tells(
    beside: tuple[Journal, Journal], make: Make, mail: MailSink
) -> None:
    first, second = beside
    assert await first.nodes.take([ALERTS], timedelta(minutes=1)) == [ALERTS]
    await first.console.hold_payouts(by="Ada", note=None)
    await look(make(second))
    assert await steps(second) == []  # it has not the lease, so what it saw counts for nothing
    await look(make(first))
    await first.nodes.leave()
    assert await second.nodes.take([ALERTS], timedelta(minutes=1)) == [ALERTS]
    await look(make(second))
    assert len(mail.to(ADA)) == 1
    assert await steps(second) == ["opened", "told", "told", "told"]


@pytest.mark.parametrize("name", ["BRIDGE_ALERT_SECRET_OPS", "BRIDGE_ALERT_SECRET_"])
def test_a_secret_of_no_channel_stops_the_start(name: str, tmp_path: Path) -> None:
    with pytest.raises(Exception, match=f"{name} is set, and there is no such channel"):
        destinations(AlertSettings(), {name: "x"})


async def test_who_is_being_told_while_somebody_looks_is_not_told_again(journal: Journal) -> None:
    await journal.console.hold_payouts(by="Ada", note=None)
    settings = AlertSettings.model_validate({"severities": {"payouts-held": "critical"}, "pause_seconds": 0})
    goes_on, told = asyncio.Event(), []

    async def send(message: AlertMessage, _name: str) -> None:
        await goes_on.wait()
        told.append(message.subject)

    alerting = Alerting(
        journal,
        partial(all_that_needs_a_person, journal, WAIT),
        [Destination("desk", "desk", ChatSettings(kind="chat").rules, send)],
        schedule=settings.schedule,
        severities=settings.how_bad,
        console_url="https://bridge.example/ops",
        look_seconds=1,
    )
    await alerting.round()
    read = alerting._update_alerts

    async def read_before_it_is_told() -> Sequence[Alert]:
        alerts = await read()
        goes_on.set()
        await alerting.told()
        return alerts

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(alerting, "_update_alerts", read_before_it_is_told)
        await alerting.round()
    await look(alerting)
    assert told == ["[critical] No payout is sent"]


async def test_what_no_database_and_no_line_can_hold_is_written_out(journal: Journal, make: Make) -> None:
    await journal.console.hold_payouts(by="Ada", note="x\x00y\u2028z")
    await look(make(channels={}))
    [alert] = (await journal.alerts.alerts(journal.clock())).values()
    assert alert.detail == r"Ada has held them: x\u0000y\u2028z"
