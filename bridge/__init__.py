"""The bridge: routes, journal and sockets around the coordinator."""
