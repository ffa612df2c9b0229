"""What the journal's writer does about alerts: it remembers what needs a person, what people do about it, and who was
told. Each change is committed with its step, its event, and, where a person made it, their action."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from bridge.catalogue.attention import AttentionUpdated
from bridge.journal.writing.batch import Batch
from bridge.journal.writing.staged.actions import Action
from coordinator.attention.alert_messages import AlertSending
from coordinator.attention.alert_schedule import DestinationState
from coordinator.attention.alerts import (
    Alert,
    AlertChange,
    Reminders,
    note_ending_reported,
    note_reported,
    observed,
    opened,
)
from coordinator.attention.items import Attention
from coordinator.attention.severities import Severities
from coordinator.payouts.holds import THE_BRIDGE

__all__ = ["act_on_alert", "observe_alerts", "record_sending"]


def observe_alerts(
    batch: Batch,
    items: Sequence[Attention],
    gone: Collection[str],
    severities: Severities,
    reminders: Reminders | None,
) -> Sequence[Alert]:
    """Remembers that `items` need a person, and that what is called as in `gone` does so no more. Returns those that
    changed: others may have written down the same meanwhile."""
    known = batch.alerts.among({*gone, *(item.key for item in items)})
    changes = list(observed(known, items, (), batch.now, reminders))
    for change in changes:
        _write(batch, change, THE_BRIDGE, severities)
    return [change.alert for change in changes]


def act_on_alert(
    batch: Batch,
    item: Attention,
    act: Callable[[Alert, datetime], AlertChange],
    *,
    action: str,
    by: str,
    severities: Severities,
) -> tuple[Alert, Action]:
    """Has a person do something about what needs one, as it is now."""
    known = batch.alerts.among((item.key,))
    for seen in observed(known, (item,), (), batch.now):
        _write(batch, seen, THE_BRIDGE, severities)
    alert = batch.alerts.get(item.key) or opened(item, batch.now)
    change = act(alert, batch.now)
    _write(batch, change, by, severities)
    concerns = item.payout_id or item.payment_id
    return change.alert, batch.actions.add(action, item.key, change.words, by=by, concerns=concerns)


def _write(batch: Batch, change: AlertChange, by: str, severities: Severities) -> None:
    batch.alerts.put(change.alert)
    _add_step(batch, change.alert.key, by, change.what, change.words)
    event = AttentionUpdated.of(change, severities, batch.now).to()
    batch.add_events([event], payment_id=None)


def _add_step(batch: Batch, key: str, by: str, what: str, words: str) -> None:
    batch.alerts.add_step({"key": key, "at": batch.now, "by": by, "what": what, "words": words})


def record_sending(batch: Batch, state: DestinationState, sending: AlertSending) -> None:
    """A destination was told. What was opened again, or is back, while it was told of its end is told again."""
    destination = state.destination
    known = batch.alerts.among([one.key for one in (*sending.new, *sending.over)])
    for one in sending.new:
        alert = known.get(one.key)
        if alert is not None and alert.news_at == one.news_at:
            batch.alerts.put(note_reported(alert, destination))
            _add_step(batch, alert.key, THE_BRIDGE, "told", f"told {destination}")
    for one in sending.over:
        alert = known.get(one.key)
        if alert is not None:
            batch.alerts.put(note_ending_reported(alert, destination))
            _add_step(batch, alert.key, THE_BRIDGE, "told", f"told {destination} that it is over")
    batch.alerts.put_state(state)
