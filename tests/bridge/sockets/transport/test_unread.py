"""What nobody reads, of all connections together: who is ended when it is too much, and how that is told."""

import logging

import pytest
from engineio.packet import MESSAGE, Packet

from bridge.sockets.transport.backlog import Backlog
from bridge.sockets.transport.unread import PIECE_BYTES, Unread
from coordinator.compact_json import compact_json

LIMIT_BYTES = 1_000


class Client:
    """One that has not read something yet."""

    def __init__(self, unread: Unread) -> None:
        self._unread = unread
        self.unread_bytes = 0
        self.is_ended = False

    def wait(self, held_bytes: int) -> None:
        self.unread_bytes = held_bytes
        self._unread.note(self, held_bytes)

    def make_room(self) -> None:
        self.is_ended = True
        self._unread.note(self, 0)


def clients_of(unread: Unread, *held_bytes: int) -> list[Client]:
    clients = [Client(unread) for _ in held_bytes]
    for client, held in zip(clients, held_bytes, strict=True):
        client.wait(held)
    return clients


def test_up_to_the_bound_nobody_is_ended() -> None:
    unread = Unread(LIMIT_BYTES)
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
    unread = Unread(LIMIT_BYTES)
    assert [client.is_ended for client in clients_of(unread, *held_bytes)] == is_ended
    assert unread.held_bytes <= 0.75 * LIMIT_BYTES


def test_what_was_read_meanwhile_counts_no_more() -> None:
    unread = Unread(LIMIT_BYTES)
    reads, waits = clients_of(unread, 900, 50)
    reads.unread_bytes = 100  # of which nobody has told
    [other] = clients_of(unread, 300)
    assert not any(client.is_ended for client in (reads, waits, other))
    assert unread.held_bytes == 450


def test_it_is_told_in_the_log_and_to_whoever_asks(caplog: pytest.LogCaptureFixture) -> None:
    now = 1_000.0
    unread = Unread(LIMIT_BYTES, clock=lambda: now)
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
    unread = Unread(LIMIT_BYTES)
    packet = Packet(MESSAGE, data="x" * 100)
    for backlog in (Backlog(unread, lambda: None), Backlog(unread, lambda: None)):
        backlog.add(packet)
    assert unread.held_bytes == 2 * (100 + PIECE_BYTES)


def test_small_packets_count_for_what_it_takes_to_keep_them() -> None:
    unread = Unread(LIMIT_BYTES)
    ended: list[bool] = []
    backlog = Backlog(unread, lambda: ended.append(True))
    for number in range(1_000 // PIECE_BYTES + 1):
        backlog.add(Packet(MESSAGE, data=compact_json(number)))
    assert ended == [True]
    backlog.clear()
    assert unread.held_bytes == 0
