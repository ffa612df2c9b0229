"""Demo: the command that plays an afternoon of sales, and the past, the books and the chain that it has."""

from bridge.cli.demo.command import demo

__all__ = ["demo"]
