"""When more is read of a connection: not while what has come before waits, nor while its address has had its share of
the event loop's time; and of what nobody looks at any more, a piece at a time."""

import asyncio

from bridge.sockets.loop_shares import Share

__all__ = ["Intake"]

# Between two reads of what a client that was refused still sends. An event loop reads a quarter of a megabyte at
# once, so that ten times what a body may have is passed over before the client is given up.
RESTING_SECONDS = 0.05


class Intake:
    """What is read of one connection."""

    __slots__ = ("_is_over", "_is_waiting", "_transport", "is_paused", "share")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.share: Share | None = None
        """What its address may have of the event loop's time; None: that is not counted."""
        self.is_paused = False
        self._is_waiting = False
        """While its address has had more than that, or it rests."""
        self._is_over = False

    def pause(self) -> None:
        """Reads no more until `resume`, so that what the client sends waits with the client."""
        if not self.is_paused and not self._transport.is_closing():
            self.is_paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        """Reads again."""
        if self.is_paused:
            self.is_paused = False
            self._listen()

    def charge(self, share: Share, seconds: float) -> None:
        """The loop has been with it for so long, at its address's expense."""
        share.spend(seconds)
        if self._can_wait and not share.is_due():
            self._wait()
            share.when_due(self._go_on)

    def rest(self) -> None:
        """Something has come that is passed over; more is read after a while."""
        if self._can_wait:
            self._wait()
            asyncio.get_running_loop().call_later(RESTING_SECONDS, self._go_on)

    def hand_over(self) -> None:
        """From now on somebody else reads."""
        self._is_over = True
        if (self.is_paused or self._is_waiting) and not self._transport.is_closing():
            self._transport.resume_reading()

    @property
    def _can_wait(self) -> bool:
        return not (self._is_waiting or self._is_over or self._transport.is_closing())

    def _wait(self) -> None:
        self._is_waiting = True
        self._transport.pause_reading()

    def _go_on(self) -> None:
        self._is_waiting = False
        self._listen()

    def _listen(self) -> None:
        if not (self.is_paused or self._is_waiting or self._is_over or self._transport.is_closing()):
            self._transport.resume_reading()
