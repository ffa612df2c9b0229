"""Liveness: how long ago a bridge may have been seen, of those that share a journal, to be counted on still. Each
says that it is there every two seconds."""

from datetime import timedelta

__all__ = ["GONE_AFTER", "LEASE", "LEFT_TO_WITHIN", "OFFLINE_AFTER", "SAID_EVERY_SECONDS", "SHOWN_FOR"]

SAID_EVERY_SECONDS = 2.0

LEFT_TO_WITHIN = timedelta(seconds=6)
"""To one that was seen within it, one that stops leaves its clients: an earlier one may not be able to take them."""

LEASE = timedelta(seconds=8)
"""For so long one has what only one does at a time: longer than one that is at work is ever late, and short enough
that another takes over within ten seconds."""

GONE_AFTER = LEASE
"""Whoever is late by that much is taken for gone, and finds out when it comes back."""

OFFLINE_AFTER = timedelta(seconds=10)
"""Whoever was at one that is gone for so long has gone with it, unless they are back within the grace period."""

SHOWN_FOR = timedelta(minutes=2)
"""One that is gone is shown as gone for a while, so that somebody sees it."""
