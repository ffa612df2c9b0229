"""The front of all routes: who calls, what is refused before a route is asked, and how errors read."""
