"""Imported first by a bridge that shares its journal with others."""

from functools import partial

from bridge.journal import Journal

setattr(Journal, "open", partial(Journal.open, is_shared=True))  # noqa: B010 (it is a method)
