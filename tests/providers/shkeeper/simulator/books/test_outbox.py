"""The local SHKeeper tries its notices as the real one does."""

from datetime import UTC, datetime, timedelta

from providers.shkeeper.simulator.books.outbox import PAYOUT_TRIES, Outbox, Subject
from providers.shkeeper.simulator.faults import Call, Fault, Faults, What

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_a_notice_of_an_invoice_is_tried_every_minute_until_it_is_answered_202() -> None:
    outbox = Outbox()
    outbox.add(Subject.INVOICE, 1, "0x1", "http://bridge.example", NOW)
    now = NOW
    for status in (None, 200, 500, 401) * 5:
        [notice] = outbox.due(now)
        assert outbox.due(now) == []  # it is being tried
        outbox.answered(notice, status, now)
        assert outbox.due(now + MINUTE / 2) == []
        now += MINUTE
    [notice] = outbox.due(now)
    outbox.answered(notice, 202, now)
    assert notice.is_accepted
    assert outbox.due(now + 100 * MINUTE) == []


def test_a_payouts_notice_is_tried_seven_times_with_growing_pauses() -> None:
    outbox = Outbox()
    outbox.add(Subject.PAYOUT, 1, "0x1", "http://bridge.example", NOW)
    now, pauses = NOW, []
    while outbox.notices[0].next_try is not None:
        pauses.append(outbox.notices[0].next_try - now)
        now = outbox.notices[0].next_try
        [notice] = outbox.due(now)
        outbox.answered(notice, 503, now)
    assert len(pauses) == PAYOUT_TRIES
    assert pauses[1:] == sorted(set(pauses[1:]))
    assert not outbox.notices[0].is_accepted


def test_a_fault_happens_as_often_as_asked_and_in_order() -> None:
    faults = Faults()
    faults.add(Fault(call=Call.PAYOUT, what=What.ERROR_500, times=2))
    faults.add(Fault(call=Call.PAYOUT, what=What.RESET))
    faults.add(Fault(call=Call.ANY, what=What.GARBAGE, times=None))
    assert faults.take(Call.NOTICE) is None
    taken = [faults.take(Call.PAYOUT) for _ in range(5)]
    assert [fault and fault.what for fault in taken] == [
        What.ERROR_500,
        What.ERROR_500,
        What.RESET,
        What.GARBAGE,
        What.GARBAGE,
    ]
    assert [fault.what for fault in faults.waiting] == [What.GARBAGE]
    faults.clear()
    assert faults.take(Call.CRYPTO) is None
