"""Refusals of the local SHKeeper: the ways in which it says no, each with the answer that the real one gives."""

__all__ = ["CrashedError", "RefusedError", "ThrownError"]


class RefusedError(Exception):
    """SHKeeper says no, in these words."""

    def __init__(self, message: str, seconds: float = 0) -> None:
        """`seconds` is how long it took, as when a coin's daemon does not answer."""
        super().__init__(message)
        self.seconds = seconds


class ThrownError(RefusedError):
    """Something within SHKeeper threw: the answer has the words of the exception, and often a traceback."""


class CrashedError(Exception):
    """Nothing within SHKeeper caught it: the answer is a 500 without a reason."""

    def __init__(self, seconds: float = 0) -> None:
        super().__init__("Internal Server Error")
        self.seconds = seconds
