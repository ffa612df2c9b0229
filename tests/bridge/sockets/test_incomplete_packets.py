"""Packets whose attachments are still to come: of all clients together no more is kept than is stated."""

import pytest
import socketio

from bridge.sockets.errors import PacketError
from bridge.sockets.transport.incoming import INCOMPLETE_LIMIT_BYTES, PACKET_PARTS_LIMIT, PacketReader

HALF = INCOMPLETE_LIMIT_BYTES // 2


def announcing(length: int) -> str:
    """A packet of that many characters that waits for an attachment."""
    empty = '51-["x",{"_placeholder":true,"num":0},""]'
    return empty[:-2] + "a" * (length - len(empty)) + empty[-2:]


@pytest.fixture
def reader() -> PacketReader:
    return PacketReader(socketio.AsyncServer().packet_class, limit_bytes=INCOMPLETE_LIMIT_BYTES)


def test_clients_that_never_send_what_they_announced_take_no_more_than_is_stated(reader: PacketReader) -> None:
    assert reader.read("one", announcing(HALF)) is None
    assert reader.read("two", announcing(HALF - 10)) is None
    with pytest.raises(PacketError, match="waits for its attachments"):
        reader.read("three", announcing(1_000))
    # Who needs none is heard all the same.
    four = reader.read("four", '2["x"]')
    assert four is not None
    assert four.data == ["x"]
    # The attachment of one that waits counts, too.
    one = reader.read("one", b"bytes")
    assert one is not None
    assert one.data == ["x", b"bytes", "a" * (HALF - len(announcing(0)))]
    reader.forget("two")
    reader.forget("two")
    assert reader.read("three", announcing(2 * HALF)) is None


def test_attachments_that_have_come_count_while_others_are_awaited(reader: PacketReader) -> None:
    two = '52-["x",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]'
    assert reader.read("one", two) is None
    assert reader.read("one", b"b" * (2 * HALF - 200)) is None
    with pytest.raises(PacketError, match="waits for its attachments"):
        reader.read("other", announcing(500))
    one = reader.read("one", b"c")
    assert one is not None
    assert len(one.data) == 3
    assert reader.read("other", announcing(500)) is None


@pytest.mark.parametrize("packet", ['0{%s"sid":1}', '2["watch-users",{%s"userIds":[]}]', '31[{%s"x":1}]'])
def test_a_packet_with_more_names_than_any_client_sends_is_none(reader: PacketReader, packet: str) -> None:
    def naming(count: int) -> str:
        return packet % "".join(f'"k{number}":1,' for number in range(count))

    assert reader.read("one", naming(PACKET_PARTS_LIMIT - 4)) is not None
    with pytest.raises(PacketError, match=f"more than {PACKET_PARTS_LIMIT} values"):
        reader.read("one", naming(PACKET_PARTS_LIMIT))


def test_what_a_client_writes_in_a_text_is_not_counted(reader: PacketReader) -> None:
    text = ",[{" * PACKET_PARTS_LIMIT
    packet = reader.read("one", f'2["send-message",{{"text":"{text}"}}]')
    assert packet is not None
    assert packet.data == ["send-message", {"text": text}]
