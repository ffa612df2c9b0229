"""Errors of messages that did not arrive, whatever they were sent by: a mail server or a chat."""

from coordinator.errors import BridgeError

__all__ = ["DoubtfulError", "MessageRefusedError", "UndeliveredError"]


class UndeliveredError(BridgeError):
    """A message did not arrive, as far as is known. The message says what is wrong, and nothing that is secret."""


class DoubtfulError(UndeliveredError):
    """It may have arrived all the same."""


class MessageRefusedError(UndeliveredError):
    """It was refused for what it says."""
