"""Outboxes: what each client is still to be told of who came and went. No I/O."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from bridge.sockets.transport.frames import Outgoing, frames_of

__all__ = ["Outbox", "Outboxes"]


@dataclass
class Outbox:
    """What is written to a client at once."""

    first_at: int
    """When the first of it happened, in microseconds since 1970."""
    messages: list[Outgoing]

    @cached_property
    def frames(self) -> bytes:
        """Encoded once, also where many have the same; nothing is added any more."""
        return frames_of(self.messages)


class Outboxes:
    """One for each client for which there is something."""

    def __init__(self) -> None:
        self._outboxes: dict[str, Outbox] = {}
        self._retained: dict[str, Outbox] = {}
        """Of clients that are told nothing any more: the first of what was not."""

    def __bool__(self) -> bool:
        return bool(self._outboxes)

    @property
    def first_at(self) -> int | None:
        """When the first of all that is still to be told happened; None if there is nothing."""
        # What is put here later happened later, and is for the clients behind, or in an outbox that was there.
        return next((outbox.first_at for outbox in self._outboxes.values()), None)

    def share(self, sids: Iterable[str], outbox: Outbox) -> None:
        """All of some clients are to be told the same. There is nothing else for anybody."""
        self._outboxes = dict.fromkeys(sids, outbox)

    def put(self, sid: str, message: Outgoing, at: int) -> None:
        """A client is to be told this, after all else."""
        outbox = self._outboxes.get(sid)
        if outbox is None:
            self._outboxes[sid] = Outbox(at, [message])
        else:
            outbox.messages.append(message)

    def take(self, sid: str) -> Outbox | None:
        """What there is for a client."""
        outbox = self._outboxes.pop(sid, None)
        return self._retained.pop(sid, outbox)

    def keep(self, sid: str, outbox: Outbox) -> None:
        """What was taken is not told: the client has lost its line, and leaves when its turn comes."""
        self._retained.setdefault(sid, outbox)

    def take_some(self, limit: int) -> list[tuple[str, Outbox]]:
        """What there is for so many clients."""
        return [self._outboxes.popitem() for _ in range(min(limit, len(self._outboxes)))]
