"""The read buffer: where the system puts what comes, of one connection after the other, and how much at once.

An event loop that is left to itself takes all that waits, a tenth of a megabyte, into fresh memory, before anybody
can say that it is not that client's turn. Five hundred connections of a few strangers were tens of megabytes in one
turn of the loop. Here each gives a piece, which is copied out if it is looked at, and the rest waits in the system.
"""

__all__ = ["READ_BYTES", "ReadBuffer"]

READ_BYTES = 16_384
"""What is taken at once: most requests and messages are far smaller."""
# Of what nobody looks at, which is copied nowhere. A client that sends ten megabytes more than it may has to be rid
# of them before it reads so.
PASSED_OVER_BYTES = 131_072


class ReadBuffer:
    """One for all that a loop reads: what has come of one connection is taken before anything of the next comes."""

    __slots__ = ("piece", "whole")

    def __init__(self) -> None:
        self.whole = memoryview(bytearray(PASSED_OVER_BYTES))
        self.piece = self.whole[:READ_BYTES]
