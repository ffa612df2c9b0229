"""What people are told: whole ids with links, and nothing that a stranger has forged."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from coordinator.attention.alert_messages import AlertMessage
from coordinator.attention.alert_schedule import AlertBatch
from coordinator.attention.alerts import Alert, closed
from coordinator.attention.messages import SHOWN, as_mrkdwn, as_plain_text, message_of
from coordinator.attention.severities import Severities

NOON = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
OPS = "https://bridge.example/ops"


def alert(kind: str = "payout-failed", number: int = 1, **changes: object) -> Alert:
    fields = {
        "title": "It failed",
        "detail": "10 USDT to 0xAbC for seller-1",
        "payout_id": f"out_{number}",
        **changes,
    }
    return Alert(key=f"{kind}:{number}", kind=kind, mark="", first_seen_at=NOON, news_at=NOON, **fields)


def message(*new: Alert, over: tuple[Alert, ...] = ()) -> AlertMessage:
    return message_of(AlertBatch(new, over, is_digest=bool(over)), Severities(), OPS)


def test_a_message_has_whole_ids_and_a_link_to_each_and_to_the_list() -> None:
    address = "0x" + "aB" * 20
    done = closed(alert(number=2), "Ada", "settled by hand", NOON).alert
    text = as_plain_text(message(alert(detail=f"10 USDT to {address}"), over=(done,)))
    assert text == (
        f"[warning] It failed\n  10 USDT to {address}\n  payout-failed, since 2026-05-01 12:00 UTC\n"
        f"  {OPS}/payouts/out_1\n\n"
        "Over:\n"
        f"- It failed: closed by Ada at 2026-05-01 12:00 UTC: settled by hand {OPS}/payouts/out_2\n\n"
        f"All that needs a person: {OPS}\n"
    )
    assert message(alert()).subject == "[warning] It failed"
    assert message(over=(done,)).subject == "The bridge: 1 over"
    assert message(alert(payout_id=None, payment_id="pay_1")).new[0].link == f"{OPS}/payments/pay_1"


def test_of_a_thousand_the_worst_are_shown_and_the_rest_is_counted() -> None:
    many = [alert(number=number) for number in range(999)]
    told = message(*many, alert("payout-mismatch", title="Something else was sent"))
    assert told.subject == "The bridge needs a person: 1 critical, 999 warning"
    assert (len(told.new), told.new[0].heading) == (SHOWN, "[critical] Something else was sent")
    assert told.more == "980 more: 980 payout-failed"
    assert len(as_mrkdwn(told)) < 40_000


FORGED = [
    "x\r\nBcc: thief@evil.example",
    "x\n[critical] Payouts\n  http://evil.example",
    "<!channel> <@U1> <http://evil.example|the console>",
    "`<!here>` @channel *bold*",
    "x\u2028[critical] y\u202egnihton",
]


def test_nothing_of_strangers_is_a_line_a_head_a_link_or_a_mention() -> None:
    for forged in FORGED:
        told = message(alert(title=forged, detail=forged))
        assert told.subject.isprintable()
        plain, chat = as_plain_text(told), as_mrkdwn(told)
        assert len(plain.splitlines()) == len(as_plain_text(message(alert())).splitlines())
        assert len(chat.splitlines()) == len(as_mrkdwn(message(alert())).splitlines())
        assert [part for part in chat.split("<")[1:] if not part.startswith(OPS)] == []


@given(st.text())
def test_whatever_is_written_stays_on_its_line_and_within_its_code(text: str) -> None:
    chat = as_mrkdwn(message(alert(title=text, detail=text)))
    lines = chat.splitlines()
    assert len(lines) == len(as_mrkdwn(message(alert(detail=text and "x"))).splitlines())
    coded = [line for line in lines if "`" in line]
    assert all(line.startswith("  `") and line.endswith("`") and line.count("`") == 2 for line in coded)
    assert "@" not in "".join(line for line in lines if line not in coded)
    as_plain_text(message(alert(title=text, detail=text))).encode()
