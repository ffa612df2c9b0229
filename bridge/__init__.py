"""The bridge: routes, journal and sockets around the coordinator."""

__version__ = "0.2.0"
