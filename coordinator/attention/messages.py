"""What people are told of what needs them: a message, as plain text for a mail and as Slack's markup for a chat.
Pure.

Ids, names and references come from strangers. However they are written, each stays on its line, in its place, and is
neither markup nor a mention; nothing of them comes into a mail's head.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from coordinator.attention.alert_messages import AlertMessage, Thing
from coordinator.attention.alert_schedule import AlertBatch
from coordinator.attention.alerts import Alert
from coordinator.attention.lines import one_line
from coordinator.attention.severities import Severities, Severity

__all__ = ["as_mrkdwn", "as_plain_text", "message_of"]

SHOWN = 20
"""Nobody reads more of them in a message; the rest is counted, and on the list."""

_MRKDWN_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def message_of(batch: AlertBatch, severities: Severities, console_url: str) -> AlertMessage:
    """What is to be told, the worst first."""

    def worst_first(alerts: Sequence[Alert]) -> list[Alert]:
        return sorted(alerts, key=lambda one: (severities.of(one.kind).rank, one.news_at, one.key))

    new, over = worst_first(batch.new), worst_first(batch.over)
    return AlertMessage(
        subject=_subject(new, over, severities),
        new=[
            Thing(f"[{severities.of(one.kind)}] {one.title}", one.detail, _since(one), _link(one, console_url))
            for one in new[:SHOWN]
        ],
        more=_counted(new[SHOWN:]),
        over=[Thing(one.title, "", _end(one), _link(one, console_url)) for one in over[:SHOWN]],
        more_over=_counted(over[SHOWN:]),
        link=console_url,
    )


def _subject(new: Sequence[Alert], over: Sequence[Alert], severities: Severities) -> str:
    if len(new) == 1 and not over:
        return one_line(f"[{severities.of(new[0].kind)}] {new[0].title}")
    counts = Counter(severities.of(one.kind) for one in new)
    parts = [f"{counts[severity]} {severity}" for severity in Severity if counts[severity]]
    parts += [f"{len(over)} over"] if over else []
    return f"The bridge needs a person: {', '.join(parts)}" if new else f"The bridge: {parts[0]}"


def _counted(alerts: Sequence[Alert]) -> str | None:
    if not alerts:
        return None
    counts = Counter(one.kind for one in alerts)
    return f"{len(alerts)} more: {', '.join(f'{count} {kind}' for kind, count in counts.most_common())}"


def _since(alert: Alert) -> str:
    return f"{alert.kind}, {'since' if alert.first_seen_at == alert.news_at else 'again since'} {_at(alert.news_at)}"


def _end(alert: Alert) -> str:
    if alert.closing is not None:
        return f"closed by {alert.closing.by} at {_at(alert.closing.at)}: {alert.closing.note}"
    return "needs nobody any more" + ("" if alert.ended_at is None else f", since {_at(alert.ended_at)}")


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _link(alert: Alert, console_url: str) -> str:
    if alert.payout_id is not None:
        return f"{console_url}/payouts/{alert.payout_id}"
    return console_url if alert.payment_id is None else f"{console_url}/payments/{alert.payment_id}"


def as_plain_text(message: AlertMessage) -> str:
    """As a mail has it."""
    return "\n".join(_lines(message, heading=one_line, text=one_line, link=str)) + "\n"


def as_mrkdwn(message: AlertMessage) -> str:
    """As Slack, and what is compatible with it, has it."""
    lines = _lines(message, heading=lambda text: f"*{_escaped(text)}*", text=_as_code, link=lambda url: f"<{url}>")
    return f"*{_escaped(message.subject)}*\n\n" + "\n".join(lines)


def _lines(
    message: AlertMessage, *, heading: Callable[[str], str], text: Callable[[str], str], link: Callable[[str], str]
) -> Iterator[str]:
    for thing in message.new:
        yield heading(thing.heading)
        yield from (f"  {text(part)}" for part in (thing.detail, thing.said) if part)
        yield f"  {link(thing.link)}"
        yield ""
    if message.more is not None:
        yield from (message.more, "")
    if message.over:
        yield "Over:"
        for thing in message.over:
            yield f"- {heading(thing.heading)}: {text(thing.said)} {link(thing.link)}"
        if message.more_over is not None:
            yield f"- {message.more_over}"
        yield ""
    yield f"All that needs a person: {link(message.link)}"


def _escaped(text: str) -> str:
    """Without anything that Slack would read as markup of its own, or end a bold stretch with."""
    return one_line(text).translate(_MRKDWN_ESCAPES).replace("*", "∗").replace("`", "ʼ").replace("@", "＠")


def _as_code(text: str) -> str:
    """As code, in which nothing is a link, a mention or markup, also where others than Slack read it."""
    return f"`{one_line(text).replace('`', 'ʼ').translate(_MRKDWN_ESCAPES)}`"
