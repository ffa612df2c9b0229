"""Several servers over one PostgreSQL: what is stored of their clients, and a way to the database that can be
shut."""

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit

import psycopg

from tests.bridge.sockets.houses import Client, House

__all__ = ["ROOMS", "SERVERS", "Gate", "Operator"]

SERVERS, ROOMS = 2, ("request-r0", "request-r1")


class Operator:
    """Sees what is stored, and turns its clock."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def node_of(self, client: Client) -> str | None:
        """The server that has a client's session."""
        row = self._connection.execute("SELECT node FROM sessions WHERE session_id = %s", [client.sid]).fetchone()
        return None if row is None else str(row[0])

    def is_at(self, house: House, client: Client) -> bool:
        """Whether it is stored that a client is connected to a server."""
        found = "SELECT 1 FROM sessions WHERE session_id = %s AND node = %s AND is_connected"
        return self._connection.execute(found, [client.sid, house.node]).fetchone() is not None

    def miss(self, node: str) -> None:
        """A server was seen a minute ago last."""
        minute_ago = "UPDATE nodes SET seen_at = seen_at - interval '1 minute' WHERE node = %s"
        self._connection.execute(minute_ago, [node])

    def let_days_pass(self) -> None:
        """For what is stored of sessions."""
        self._connection.execute("UPDATE sessions SET updated_at = updated_at - interval '2 days'")


class Gate:
    """A way to the database that can be shut: nothing is said any more by either side, and no connection ends."""

    def __init__(self, database_url: str) -> None:
        self._url = urlsplit(database_url)
        self._is_open = asyncio.Event()
        self.open, self.shut = self._is_open.set, self._is_open.clear
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> "Gate":
        self.open()
        self._server = await asyncio.start_server(self._let_pass, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    @property
    def database_url(self) -> str:
        port = self._server.sockets[0].getsockname()[1]
        return self._url._replace(netloc=f"{self._url.username}@127.0.0.1:{port}").geturl()

    async def _let_pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._url.port)
        self._writers += [writer, there_writer]
        await asyncio.gather(self._pass(reader, there_writer), self._pass(there_reader, writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while said := await reader.read(65_536):
                await self._is_open.wait()
                writer.write(said)
        writer.close()
