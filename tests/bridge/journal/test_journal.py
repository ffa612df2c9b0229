"""The journal keeps its promises on a real SQLite file: once, in order, all or nothing."""

import asyncio
import hashlib
import random
import re
import sqlite3
import sys
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, text

from bridge.http.front.idempotency import idempotency_of_events
from bridge.journal import (
    IdempotencyKey,
    IdempotencyKeyReusedError,
    Journal,
    JournalBusyElsewhereError,
    JournaledEvent,
    JournalUnavailableError,
    JournalUrlError,
    Outcome,
    PaymentConflictError,
)
from bridge.journal.database.engines import journal_place, parse_database_url, reading_engine
from bridge.journal.tables import schema
from bridge.journal.writing.batch import Batch
from coordinator.events import Audience, Event
from coordinator.payments.observed.observations import InvoiceSnapshot, Observation, Standing, Transfer, TransferSeen
from coordinator.payments.payments import Payment, PaymentStatus
from tests.bridge.journal.conftest import NOW
from tests.bridge.overdue import apply_deadlines
from tests.clock import Clock
from tests.system.outages import filled, small_disk
from tests.waiting import until


def payment(number: int, *, external_id: str | None = None, expires_at: datetime | None = None) -> Payment:
    return Payment(
        payment_id=f"pay_{number}",
        provider="shkeeper",
        external_id=external_id or f"order-{number}",
        request_id="r1",
        buyer_id="b1",
        seller_id="s1",
        amount=Decimal("100.00"),
        currency="USD",
        created_at=NOW,
        expires_at=expires_at,
    )


def transfer(number: int) -> Transfer:
    return Transfer(transfer_id=f"t{number}", asset="ETH-USDT", amount=Decimal(50))


def snapshot(transfers: int) -> InvoiceSnapshot:
    return InvoiceSnapshot(
        standing=Standing.PARTIAL if transfers == 1 else Standing.PAID,
        currency="USD",
        received=Decimal(50 * transfers),
        transfers=tuple(transfer(number) for number in range(transfers)),
        caused_by=f"t{transfers - 1}",
    )


async def observe(journal: Journal, number: int, key: str, observation: Observation) -> Outcome:
    recorded = await journal.record_observation(
        provider="shkeeper", external_id=f"order-{number}", key=f"{number}:{key}", observation=observation
    )
    return recorded.outcome


@contextmanager
def looking(journal: Journal) -> Iterator[Connection]:
    engine = reading_engine(journal._readers.url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def rows(journal: Journal, statement: str) -> list[tuple[object, ...]]:
    with looking(journal) as connection:
        return [tuple(row) for row in connection.exec_driver_sql(statement)]


async def test_a_fresh_journal_has_exactly_the_tables_of_the_schema(journal: Journal) -> None:
    with looking(journal) as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []


async def test_what_is_committed_survives_and_the_epoch_stays(database_url: str, clock: Clock) -> None:
    first = await Journal.open(database_url, clock)
    await first.register_payment(payment(1))
    epoch = first.epoch
    await first.close()
    second = await Journal.open(database_url, clock)
    assert second.epoch == epoch
    record = await second.payment_record("pay_1")
    assert record is not None
    assert record.payment == payment(1)
    await second.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_sqlite_syncs_every_commit(journal: Journal) -> None:
    pragmas: dict[str, object] = {}

    def read_pragmas(batch: Batch) -> None:
        connection = batch._connection
        for name in ("journal_mode", "synchronous", "wal_autocheckpoint"):
            pragmas[name] = connection.exec_driver_sql(f"PRAGMA {name}").scalar()

    await journal._writer.submit(read_pragmas)
    # 2 is FULL, and the log is brought into the file 16 MB at a time.
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "wal_autocheckpoint": 4_000}


async def test_a_repeated_message_is_a_duplicate_and_writes_nothing(journal: Journal) -> None:
    await journal.register_payment(payment(1))
    assert await observe(journal, 1, "a", snapshot(2)) is Outcome.APPLIED
    before = rows(journal, "SELECT * FROM events"), rows(journal, "SELECT * FROM payments")
    assert await observe(journal, 1, "a", snapshot(2)) is Outcome.DUPLICATE
    assert await observe(journal, 1, "older", snapshot(1)) is Outcome.UNCHANGED
    assert before[0] == rows(journal, "SELECT * FROM events")
    assert len(rows(journal, "SELECT 1 FROM observations")) == 2


async def test_messages_committed_together_are_deduplicated_among_each_other(journal: Journal) -> None:
    outcomes = await asyncio.gather(
        journal.register_payment(payment(1)),
        journal.register_payment(payment(2, external_id="order-1")),
        *(observe(journal, 1, "a", snapshot(2)) for _ in range(20)),
    )
    assert sorted(str(outcome) for outcome in outcomes[2:]) == ["applied", *["duplicate"] * 19]
    assert rows(journal, "SELECT count(*) FROM payments") == [(1,)]
    assert rows(journal, "SELECT name, count(*) FROM events GROUP BY name ORDER BY name") == [
        ("payment-created", 1),
        ("payment-progress", 1),
        ("payment-received", 1),
        ("payment-update", 1),
        ("purchase-request-update", 1),
        ("seller-offer-update", 1),
    ]


@pytest.mark.parametrize("together", [True, False])
async def test_what_came_before_the_registration_is_applied_by_it(journal: Journal, together: bool) -> None:
    if together:  # in one batch with it
        results = await asyncio.gather(
            observe(journal, 1, "seen", TransferSeen(transfer=transfer(0))),
            observe(journal, 1, "part", snapshot(1)),
            journal.register_payment(payment(1)),
        )
        registered = results[2]
        outcomes: Sequence[object] = results[:2]
    else:
        outcomes = [
            await observe(journal, 1, "seen", TransferSeen(transfer=transfer(0))),
            await observe(journal, 1, "part", snapshot(1)),
        ]
        registered = await journal.register_payment(payment(1))
    assert outcomes == [Outcome.STORED, Outcome.STORED] if not together else list(outcomes) == [Outcome.STORED] * 2
    assert registered.payment.status is PaymentStatus.PARTIALLY_PAID
    record = await journal.payment_record("pay_1")
    assert record is not None
    assert [(entry.observation.kind, entry.effect, entry.status) for entry in record.history] == [
        ("transfer-seen", "applied", "confirming"),
        ("invoice-snapshot", "applied", "partially_paid"),
    ]


async def test_an_idempotency_key_answers_with_the_first_payment(journal: Journal) -> None:
    key = IdempotencyKey("payments", "k", "digest")
    first = await journal.register_payment(payment(1), key)
    again = await journal.register_payment(payment(2), key)
    assert (first.is_new, again.is_new, again.payment.payment_id) == (True, False, "pay_1")
    with pytest.raises(IdempotencyKeyReusedError):
        await journal.register_payment(payment(3), IdempotencyKey("payments", "k", "another digest"))


async def test_a_key_of_an_earlier_version_stands_for_what_that_version_made_of_the_request(journal: Journal) -> None:
    events = [Event("new-offer", Audience(rooms=("buyer-b1",)), "{}")]
    body = b'{"event": "new-offer"}'
    kept = IdempotencyKey("events/shop", "k", hashlib.sha256(body).hexdigest())
    first = await journal.publish_events(events, kept)
    again = await journal.publish_events(events, idempotency_of_events("events/shop", "k", events, body))
    assert again == first
    with pytest.raises(IdempotencyKeyReusedError):
        await journal.publish_events(events, idempotency_of_events("events/shop", "k", events, body + b" "))


async def test_one_external_id_is_one_payment(journal: Journal) -> None:
    await journal.register_payment(payment(1))
    same = await journal.register_payment(payment(2, external_id="order-1"))
    assert (same.is_new, same.payment.payment_id) == (False, "pay_1")
    other = payment(3, external_id="order-1").model_copy(update={"amount": Decimal(5), "buyer_id": "b2"})
    with pytest.raises(PaymentConflictError, match="another buyer_id, amount"):
        await journal.register_payment(other)


async def test_a_request_that_fails_does_not_disturb_those_committed_with_it(journal: Journal) -> None:
    await journal.register_payment(payment(1))
    other = payment(3, external_id="order-1").model_copy(update={"amount": Decimal(5)})

    def broken(batch: object) -> None:
        raise ZeroDivisionError

    results = await asyncio.gather(
        journal.register_payment(payment(2)),
        journal.register_payment(other),
        journal._writer.submit(broken),
        journal.register_payment(payment(4)),
        return_exceptions=True,
    )
    assert [type(result).__name__ for result in results] == [
        "Registered",
        "PaymentConflictError",
        "JournalUnavailableError",
        "Registered",
    ]
    assert await journal.payment_record("pay_4")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_cannot_be_committed_says_so_and_succeeds_when_sent_again(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.journal.database.engines.BUSY_TIMEOUT_MS", 50)
    journal = await Journal.open(database_url)
    await journal.register_payment(payment(1))
    blocker = sqlite3.connect(database_url.removeprefix("sqlite:///"), isolation_level=None)
    blocker.execute("BEGIN EXCLUSIVE")
    with pytest.raises(JournalUnavailableError):
        await observe(journal, 1, "a", snapshot(2))
    blocker.execute("ROLLBACK")
    blocker.close()
    await assert_goes_on(journal)
    await journal.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_lost_connection_is_made_again_with_the_lock(database_url: str) -> None:
    journal = await Journal.open(database_url)
    await journal.register_payment(payment(1))
    with psycopg.connect(database_url, autocommit=True) as operator:
        operator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    # Nobody is told of it: nothing had been asked of it yet.
    await assert_goes_on(journal)
    with pytest.raises(JournalBusyElsewhereError):
        await Journal.open(database_url)
    await journal.close()


async def assert_goes_on(journal: Journal) -> None:
    assert await observe(journal, 1, "a", snapshot(2)) is Outcome.APPLIED
    assert await observe(journal, 1, "a", snapshot(2)) is Outcome.DUPLICATE
    offsets = rows(journal, 'SELECT "offset" FROM events ORDER BY 1')
    assert offsets == [(number,) for number in range(1, 7)]


async def test_a_database_has_one_bridge(journal: Journal, database_url: str) -> None:
    with pytest.raises(JournalBusyElsewhereError, match="another bridge"):
        await Journal.open(database_url)


async def test_after_closing_nothing_is_accepted(database_url: str) -> None:
    journal = await Journal.open(database_url)
    await journal.close()
    with pytest.raises(JournalUnavailableError, match="closed"):
        await journal.check()


def test_a_postgresql_without_its_driver_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)  # as where it is not installed
    with pytest.raises(JournalUrlError, match=r"pip install '\./bridge-[0-9.]+-py3-none-any\.whl\[postgres\]'"):
        parse_database_url("postgresql://bridge@127.0.0.1/bridge")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("sqlite://", "must be a file"),
        ("sqlite:///:memory:", "must be a file"),
        ("mysql://u:secret@h/d", "SQLite or PostgreSQL, not in mysql"),
        ("nonsense", "not a URL"),
        ("sqlite://var/bridge.db", "write sqlite:///var/bridge.db"),
        ("sqlite://bridge.db", "write sqlite:///bridge.db"),
        ("sqlite://u:secret@var/bridge.db", "write sqlite:///var/bridge.db"),
        ("postgresql://bridge:secret127.0.0.1:55426/bridge", "write @ as %40, / as %2F and : as %3A"),
        ("postgresql://bridge:secret/bridge", "write @ as %40"),
        ("postgresql://bridge:a@secret@127.0.0.1/bridge", "write @ as %40"),
        ("postgresql://bridge:a@secret/b@127.0.0.1/bridge", "write @ as %40"),
        ("postgresql://bridge:a@secret?b@127.0.0.1/bridge", "write @ as %40"),
        ("postgresql://bridge:12/secret127.0.0.1/bridge", "write @ as %40"),
        ("postgresql://bridge/x:secret@127.0.0.1", "write @ as %40"),
        ("postgresql://bridge:a,secret/bridge", "write @ as %40"),
        ("postgresql://bridge@/bridge?host=a,se cret", "write @ as %40"),
    ],
)
def test_a_database_that_cannot_hold_the_journal_is_refused(url: str, reason: str) -> None:
    with pytest.raises(JournalUrlError, match=reason) as caught:
        parse_database_url(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql://bridge@127.0.0.1:1/bridge?password=secret", "postgresql://bridge@127.0.0.1:1/bridge"),
        ("postgresql://bridge:a%40secret@[::1]/bridge", "postgresql://bridge:***@[::1]/bridge"),
        ("postgresql:///bridge?host=/run/pg&sslpassword=secret", "postgresql:///bridge?host=%2Frun%2Fpg"),
        ("postgresql://b:secret@one:1,two:2/d", "postgresql://b:***@/d?host=one%3A1&host=two%3A2"),
    ],
)
def test_of_a_database_url_it_is_said_where_the_server_is_and_no_password(url: str, place: str) -> None:
    assert journal_place(url) == place


async def test_an_unreadable_webhook_is_kept_once(journal: Journal) -> None:
    for _ in range(3):
        await journal.store_unreadable_webhook(provider="shkeeper", body=b"\xff{", reason="not JSON")
    assert rows(journal, "SELECT provider, body, reason FROM unreadable_webhooks") == [
        ("shkeeper", b"\xff{", "not JSON")
    ]


async def test_of_a_database_that_fails_again_and_again_one_line_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database_url = f"sqlite:///{tmp_path / 'failing.db'}"
    journal = await Journal.open(database_url)

    def rename(before: str, after: str) -> None:
        engine = create_engine(parse_database_url(database_url))
        with engine.begin() as connection:
            connection.execute(text(f"ALTER TABLE {before} RENAME TO {after}"))
        engine.dispose()

    for outages in (1, 2):
        rename("unreadable_webhooks", "elsewhere")
        for _ in range(3):
            with pytest.raises(JournalUnavailableError):
                await journal.store_unreadable_webhook(provider="shkeeper", body=b"{", reason="not JSON")
        rename("elsewhere", "unreadable_webhooks")
        await journal.store_unreadable_webhook(provider="shkeeper", body=b"{", reason="not JSON")
        said = [one for one in caplog.records if one.levelname == "ERROR" and "could not commit" in one.getMessage()]
        assert len(said) == outages
    await journal.close()


async def test_a_payment_expires_when_its_time_is_over_and_not_before(journal: Journal, clock: Clock) -> None:
    await journal.register_payment(payment(1, expires_at=NOW + timedelta(minutes=5)))
    await journal.register_payment(payment(2))
    assert await apply_deadlines(journal) == 0
    clock.now = NOW + timedelta(minutes=5, seconds=1)
    assert await apply_deadlines(journal) == 1
    assert await apply_deadlines(journal) == 0
    record = await journal.payment_record("pay_1")
    assert record is not None
    assert record.payment.status is PaymentStatus.EXPIRED


async def follow(
    journal: Journal, deliver_to: list[JournaledEvent], *, fail_at: int | None = None
) -> asyncio.Task[None]:
    failures = iter([True])

    async def deliver(stretch: Sequence[JournaledEvent]) -> None:
        if fail_at is not None and stretch[-1].offset >= fail_at and next(failures, False):
            raise ConnectionError("the sockets are away for a moment")
        deliver_to.extend(stretch)

    dispatcher = journal.dispatcher(deliver, after=(await journal.newest_place()).number)
    return asyncio.create_task(dispatcher.run())


async def test_the_dispatcher_hands_on_every_event_once_and_in_order(journal: Journal) -> None:
    heard: list[JournaledEvent] = []
    task = await follow(journal, heard)
    work: list[Awaitable[object]] = [journal.register_payment(payment(number)) for number in range(100)]
    work += [
        observe(journal, number, key, snapshot(count)) for number in range(100) for key, count in (("a", 1), ("b", 2))
    ]
    random.Random(7).shuffle(work)
    await asyncio.gather(*work)
    last = rows(journal, 'SELECT max("offset") FROM events')[0][0]
    assert isinstance(last, int)
    await until(lambda: heard and heard[-1].offset >= last)
    assert [journaled.offset for journaled in heard] == list(range(1, last + 1))
    assert sum(journaled.event.name == "payment-received" for journaled in heard) == 100
    task.cancel()


async def test_the_dispatcher_tries_again_after_a_failure_and_skips_nothing(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.journal.dispatcher.RETRY_SECONDS", 0.01)
    heard: list[JournaledEvent] = []
    task = await follow(journal, heard, fail_at=1)
    await journal.register_payment(payment(1))
    await journal.register_payment(payment(2))
    await until(lambda: heard and heard[-1].offset >= 2)
    assert [journaled.offset for journaled in heard] == [1, 2]
    task.cancel()


async def test_a_dispatcher_starts_after_the_newest_event(journal: Journal) -> None:
    await journal.register_payment(payment(1))
    heard: list[JournaledEvent] = []
    task = await follow(journal, heard)
    await journal.register_payment(payment(2))
    await until(lambda: heard and heard[-1].offset >= 2)
    assert [journaled.offset for journaled in heard] == [2]
    task.cancel()


@pytest.mark.parametrize("kept_bytes", [0, 20_000])
@pytest.mark.parametrize("is_new", [True, False])
async def test_a_journal_on_a_full_disk_says_where_it_is_and_what_to_do(
    tmp_path: Path, is_new: bool, kept_bytes: int
) -> None:
    with small_disk(tmp_path, 2) as disk:
        url = f"sqlite:///{disk / 'bridge.db'}"
        if not is_new:
            await (await Journal.open(url)).close()
        (disk / "spare").write_bytes(bytes(kept_bytes))
        with filled(disk):
            (disk / "spare").unlink()
            with pytest.raises(JournalUrlError) as caught:
                await Journal.open(url)
            said = (
                rf"the journal {disk}/bridge\.db cannot be opened: .*; its disk is full, so make room there, or set"
            )
            assert re.match(said, str(caught.value)), str(caught.value)
        await (await Journal.open(url)).close()
