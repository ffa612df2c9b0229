"""What nobody reads, of all connections together: who is ended when it is too much, and how that is told."""

import logging

import pytest
from engineio.packet import MESSAGE, Packet

from bridge.sockets.transport.backlog import Backlog
from bridge.sockets.transport.unread_bytes import PIECE_BYTES, Counts, UnreadBytes
from coordinator.compact_json import compact_json

LIMIT_BYTES = 1_000


class Client:
    """One that has not read something yet."""

    def __init__(self, unread: Counts) -> None:
        self._unread = unread
        self.unread_bytes = 0
        self.is_ended = False

    def wait(self, held_bytes: int) -> None:
        self.unread_bytes = held_bytes
        self._unread.note(self, held_bytes)

    def make_room(self) -> None:
        self.is_ended, self.unread_bytes = True, 0
        self._unread.note(self, 0)


def clients_of(unread: Counts, *held_bytes: int) -> list[Client]:
    clients = [Client(unread) for _ in held_bytes]
    for client, held in zip(clients, held_bytes, strict=True):
        client.wait(held)
    return clients


def test_up_to_the_bound_nobody_is_ended() -> None:
    unread = UnreadBytes(LIMIT_BYTES)
    clients = clients_of(unread, 400, 600)
    clients[0].wait(0)
    clients[1].wait(LIMIT_BYTES)
    assert [client.is_ended for client in clients] == [False, False]
    assert (unread.held_bytes, unread.trouble()) == (LIMIT_BYTES, None)


@pytest.mark.parametrize(
    ("held_bytes", "is_ended"),
    [
        ((400, 300, 200, 101), [True, False, False, False]),
        ((201, 200, 200, 200, 200), [True, True, False, False, False]),
        ((LIMIT_BYTES + 1,), [True]),
    ],
    ids=["who-holds-most", "of-several-who-has-for-longest", "whoever-it-is"],
)
def test_beyond_it_those_are_ended_who_hold_most_until_a_quarter_is_free(
    held_bytes: tuple[int, ...], is_ended: list[bool]
) -> None:
    unread = UnreadBytes(LIMIT_BYTES)
    assert [client.is_ended for client in clients_of(unread, *held_bytes)] == is_ended
    assert unread.held_bytes <= 0.75 * LIMIT_BYTES


def test_those_of_one_address_make_room_for_each_other_and_for_nobody_else() -> None:
    unread = UnreadBytes(10 * LIMIT_BYTES, LIMIT_BYTES)
    here, remote_presence = unread.of("203.0.113.7"), unread.of("203.0.113.8")
    uncounted = clients_of(unread, 2 * LIMIT_BYTES)
    others = clients_of(remote_presence, LIMIT_BYTES)
    clients = clients_of(here, 400, 300, 200, 101)
    assert [client.is_ended for client in clients] == [True, False, False, False]
    assert not any(client.is_ended for client in (*uncounted, *others))
    clients[1].wait(0)
    clients += clients_of(here, LIMIT_BYTES - 301)
    assert not any(client.is_ended for client in clients[1:])
    assert "unread_limit_bytes" in (unread.trouble() or "")
    for client in (*clients, *others, *uncounted):
        client.wait(0)
    assert unread.held_bytes == 0


def test_what_is_found_to_be_of_an_address_counts_there_from_then_on() -> None:
    unread = UnreadBytes(10 * LIMIT_BYTES, LIMIT_BYTES)
    first, second = clients_of(unread, LIMIT_BYTES, 1)
    unread.of("203.0.113.7").note(first, LIMIT_BYTES)
    assert (first.is_ended, unread.held_bytes) == (False, LIMIT_BYTES + 1)
    unread.of("203.0.113.7").note(second, 1)
    assert (first.is_ended, second.is_ended, unread.held_bytes) == (True, False, 1)


def test_what_was_read_meanwhile_counts_no_more() -> None:
    unread = UnreadBytes(LIMIT_BYTES)
    reads, waits = clients_of(unread, 900, 50)
    reads.unread_bytes = 100  # of which nobody has told
    [other] = clients_of(unread, 300)
    assert not any(client.is_ended for client in (reads, waits, other))
    assert unread.held_bytes == 450


def test_it_is_told_in_the_log_and_to_whoever_asks(caplog: pytest.LogCaptureFixture) -> None:
    now = 1_000.0
    unread = UnreadBytes(LIMIT_BYTES, clock=lambda: now)
    with caplog.at_level(logging.WARNING, logger="bridge.sockets"):
        clients_of(unread, *[LIMIT_BYTES + 1] * 3)
    assert [record.getMessage() for record in caplog.records] == [
        "ending connections that do not read, or do not send on: what waits for all of them together is more than"
        " 1000 bytes (unread_limit_bytes)"
    ]
    trouble = unread.trouble()
    assert trouble is not None
    assert "connections that did not read, or send on, were ended within a minute; 0 of 1000 bytes" in trouble
    now += 61
    assert unread.trouble() is None


def test_what_waits_for_several_counts_for_each() -> None:
    unread = UnreadBytes(LIMIT_BYTES)
    packet = Packet(MESSAGE, data="x" * 100)
    for backlog in (Backlog(unread, lambda: None), Backlog(unread, lambda: None)):
        backlog.add(packet)
    assert unread.held_bytes == 2 * (100 + PIECE_BYTES)


def test_small_packets_count_for_what_it_takes_to_keep_them() -> None:
    unread = UnreadBytes(LIMIT_BYTES)
    ended: list[bool] = []
    backlog = Backlog(unread, lambda: ended.append(True))
    for number in range(1_000 // PIECE_BYTES + 1):
        backlog.add(Packet(MESSAGE, data=compact_json(number)))
    assert ended == [True]
    backlog.clear()
    assert unread.held_bytes == 0
