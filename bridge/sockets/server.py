"""The Socket.IO server: where the library's own is not left as it is.

Nothing outside this file and `manager.py` may override or call an undocumented name of python-socketio 5.18. For each
override `test_socket_traps_*` show that the stock library still needs it.

Overridden here:

- `_handle_connect`: a connect handler that raises or is cancelled left the client unanswered, in the rooms and
  listening, for ever; so did a CONNECT behind a CLOSE in one polling body.
- `_handle_disconnect`, `_handle_eio_disconnect`: a client that went away during its connect handler, or whose
  disconnect handler raised, stayed in its rooms for ever.
- `_handle_eio_message`: what is no packet, or an event for a namespace without a connection, was passed over, and
  with it the acknowledgement that was asked for; a packet without its attachments made it deaf to its client; and
  attachments could fill the memory.
- `_handle_event_internal`: a handler that raised, or an event without a handler, left the client's acknowledgement
  unanswered; and clients could call the connect and disconnect handlers by sending events of those names.
- `_handle_event`: a task for each event, also where its handler is a plain function, which is called in place here.
- `_trigger_event`: a cancelled connect handler counted as consent, handlers were called twice on a TypeError of their
  own, and class-based namespaces acknowledged events they do not have.
- `_engineio_server_class`: the engine of our own kind.
- `disconnect`, `shutdown` (public): the log line; what is still to be saved of sessions.

Added: nobody is connected to any namespace whom `admission` does not admit, nor for longer; crowds take `turns`.

Used besides: `_handle_event`, `_handle_ack`, `_get_event_handler`, `_get_namespace_handler`, `_send_packet`, and of
the engine its `sockets` with their `closed`, `upgrading` and `upgraded`.
"""

import asyncio
import inspect
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import socketio
from socketio.exceptions import ConnectionRefusedError as RefusedByHandlerError
from socketio.packet import ACK, CONNECT, CONNECT_ERROR, DISCONNECT

from bridge.access import TokenError
from bridge.catalogue.session import Ending, SessionEnded
from bridge.sockets.admission import ENDINGS, Admission
from bridge.sockets.errors import ClientGoneError, PacketError
from bridge.sockets.handler_calls import INTERNAL_FAILURE, UNKNOWN_EVENT, fitting, is_cancelled
from bridge.sockets.presence.activity_log import ActivityLog
from bridge.sockets.presence.announcer import Announcer
from bridge.sockets.presence.presence import LocalPresence
from bridge.sockets.recovery.deferred_answers import DeferredAnswer
from bridge.sockets.recovery.reconnections import NOTHING, Recalls, Reconnections, Restored, brought_by, has_gone
from bridge.sockets.recovery.recovery import Missed, Recovery
from bridge.sockets.recovery.replays import Replays
from bridge.sockets.rooms.manager import ClientManager, Member, packet_parts
from bridge.sockets.transport.asking import stays
from bridge.sockets.transport.disconnects import Disconnect
from bridge.sockets.transport.engine import EngineIoServer
from bridge.sockets.transport.frames import Outgoing, frames_of
from bridge.sockets.transport.incoming import ACKNOWLEDGEMENTS, EVENTS, NAMESPACE_LIMIT, PacketReader
from coordinator import rooms
from coordinator.compact_json import compact_json

__all__ = ["SocketServer", "library_logger"]

logger = logging.getLogger("bridge.sockets")

# At INFO the library logs the content of every packet, which is other people's payments; and left to itself it
# adds a handler of its own to the process.
library_logger = logging.getLogger("bridge.sockets.library")
library_logger.setLevel(logging.ERROR)

DEFAULT_NAMESPACE = "/"
CATCH_ALL = "*"

CONNECT_FAILED = {"message": "The server could not accept the connection"}
CONNECT_REJECTED = {"message": "Connection rejected by server"}


class SocketServer(socketio.AsyncServer):  # type: ignore[misc]  # python-socketio ships no types
    """An `AsyncServer` that answers every CONNECT and every acknowledgement, and forgets whoever has gone.

    It is made for `ClientManager` and does not know the option `always_connect`.
    """

    presence: LocalPresence
    """Who is online, for whoever has just come."""
    announcer: Announcer
    recovery: Recovery | None = None
    """Puts clients that come back where they were; None: every client begins anew."""
    comes_back: Callable[[str, Restored], object] = staticmethod(lambda _sid, _restored: None)
    """Called for each client that is recovered, once it is in its rooms again."""
    recalls: Recalls
    """Called once, with what earlier processes knew."""

    def __init__(self, *, admission: Admission, keeps_confidence: bool = False, **options: Any) -> None:
        super().__init__(client_manager=ClientManager(), **options)
        self.admission = admission
        admission.end_session = self._close_session
        self.manager.watchers.append(admission)
        self.eio.moved = self.manager.moved
        self.keeps_confidence = keeps_confidence
        """Whether confidential events go to their rooms and to staff only."""
        self.activity_log = ActivityLog()
        self.reconnections: Reconnections | None = None
        self._reader = PacketReader(self.packet_class, limit_bytes=self.eio.max_http_buffer_size)

    def recover_with(self, recovery: Recovery) -> None:
        """From now on clients that come back are put where they were."""
        self.recovery = recovery
        recovery.on_lost = self._lose
        recovery.on_wanted = lambda sid: self.eio.start(self._free(sid, asks_first=True))
        self.activity_log.go_by(recovery.clock)
        self.eio.told_until = recovery.told_until = self.activity_log.told_until
        self.manager.watchers.append(recovery)
        replays, has_lost_rooms = Replays(self.eio.limits), self.admission.has_lost_rooms
        self.reconnections = Reconnections(recovery, self.activity_log, self.recalls, replays, has_lost_rooms)

    async def shutdown(self) -> None:
        await self.announcer.finish()
        await super().shutdown()
        if self.reconnections is not None:
            await self.reconnections.close()

    def _close_session(self, member: Member, reason: Ending) -> None:
        """Says why, and closes the connection, not the namespace: from that stock clients come back by themselves.
        Nothing is written to it from here on, also of what is delivered before anything else is done."""
        namespace, sid = member
        connection = self.manager.connection(sid, namespace)
        if connection is not None:
            ended = SessionEnded.because(reason)
            self.manager.tell(member, ended.event_name, ended.model_dump(mode="json"))
            connection.end(ENDINGS[reason])

    async def _close_connection(self, eio_sid: str, disconnect: Disconnect, why: str = "") -> None:
        connection = self.eio.sockets.get(eio_sid)
        if connection is not None:
            # Told by the engine that the server closes it, the Python client would not come back.
            await connection.finish(disconnect, why)

    def _engineio_server_class(self) -> type[EngineIoServer]:
        return EngineIoServer

    async def disconnect(self, sid: str, namespace: str | None = None, ignore_queue: bool = False) -> None:
        namespace = namespace or DEFAULT_NAMESPACE
        if not self.manager.is_connected(sid, namespace):
            return
        eio_sid = self.manager.pre_disconnect(sid, namespace=namespace)
        await self._send_packet(eio_sid, self.packet_class(DISCONNECT, namespace=namespace))
        await self._part_with(sid, namespace, self.reason.SERVER_DISCONNECT, for_good=True)

    async def _handle_eio_message(self, eio_sid: str, data: str | bytes) -> None:
        if eio_sid not in self.environ:
            return  # The connection was closed before this.
        try:
            packet = self._reader.read(eio_sid, data)
            if packet is not None:
                await self._handle_packet(eio_sid, packet)
        except PacketError as error:
            await self._close_connection(eio_sid, Disconnect.NO_PACKET, f"it sent {error}")

    async def _handle_packet(self, eio_sid: str, packet: Any) -> None:
        namespace = packet.namespace or DEFAULT_NAMESPACE
        if packet.packet_type == CONNECT:
            await self._handle_connect(eio_sid, namespace, packet.data)
        elif packet.packet_type == DISCONNECT:
            # This alone says goodbye: an engine is closed by a client that has lost its line, too.
            await self._handle_disconnect(eio_sid, namespace, self.reason.CLIENT_DISCONNECT, for_good=True)
        elif packet.packet_type in ACKNOWLEDGEMENTS:
            await self._handle_ack(eio_sid, namespace, packet.id, packet.data)
        elif packet.packet_type in EVENTS:
            if not self.manager.is_connected(self.manager.sid_from_eio_sid(eio_sid, namespace), namespace):
                raise PacketError("an event for a namespace that it is not connected to")
            await self._handle_event(eio_sid, namespace, packet.id, packet.data)

    async def _handle_connect(self, eio_sid: str, namespace: str, data: Any) -> None:
        connection = self.eio.sockets.get(eio_sid)
        if connection is None or eio_sid not in self.environ:
            return  # The connection was closed before this, which a polling client can say in one and the same body.
        if not self._serves(namespace):
            await self._refuse_namespace(eio_sid, namespace)
            return
        try:
            principal = self.admission.identify(data)
        except TokenError as error:
            await self._refuse(eio_sid, namespace, {"message": str(error), "data": {"code": error.code}})
            return
        missed = None
        if self.reconnections is not None and namespace == DEFAULT_NAMESPACE:
            await self.reconnections.ready()
            if self.manager.sid_from_eio_sid(eio_sid, namespace) is None:
                principal = await self.reconnections.recognize(data, principal, self.admission)
                brought, now = brought_by(data), self.admission.now(principal)
                missed = await self.reconnections.take_up(brought, now, self._free, connection)
            if eio_sid not in self.environ or ("pid" in brought_by(data) and has_gone(connection)):
                return
        sid = await self.manager.pre_connect(eio_sid, namespace, None if missed is None else missed.session.sid)
        if sid is None:
            await self._refuse(eio_sid, namespace, {"message": "Already connected to this namespace"})
            return
        self.admission.admit((namespace, sid), principal)
        refusal: dict[str, Any] | None = CONNECT_FAILED
        try:
            refusal = await self._ask_connect_handler(sid, eio_sid, namespace, data)
        finally:  # Also when this task is cancelled.
            if self._is_arriving(sid, eio_sid, namespace):
                if refusal is None:
                    await self._accept(sid, eio_sid, namespace, data, missed)
                else:
                    await self.manager.disconnect(sid, namespace, ignore_queue=True)
                    await self._refuse(eio_sid, namespace, refusal)

    async def _refuse_namespace(self, eio_sid: str, namespace: str) -> None:
        is_long = len(namespace) > NAMESPACE_LIMIT
        await self._refuse(eio_sid, DEFAULT_NAMESPACE if is_long else namespace, {"message": "Invalid namespace"})
        if is_long:
            raise PacketError(f"a namespace of more than {NAMESPACE_LIMIT} characters")

    def _is_arriving(self, sid: str, eio_sid: str, namespace: str) -> bool:
        """Whether a client is still there that waits for the answer to its CONNECT. One that is recovered has the sid
        of its session, which another connection may have taken over."""
        is_its_own = self.manager.sid_from_eio_sid(eio_sid, namespace) == sid
        return is_its_own and bool(self.manager.is_pre_connected(sid, namespace))

    def _serves(self, namespace: str) -> bool:
        served = (self.handlers, self.namespace_handlers, self.namespaces)
        return self.namespaces == CATCH_ALL or any(namespace in some for some in served)

    async def _ask_connect_handler(self, sid: str, eio_sid: str, namespace: str, auth: Any) -> dict[str, Any] | None:
        """What to tell a client that may not connect, or None if it may."""
        if self.admission.principal(sid, namespace).is_staff:
            await self.enter_room(sid, rooms.STAFF, namespace)
        try:
            answer = await self._trigger_event("connect", namespace, sid, self.environ[eio_sid], auth or None)
            if is_cancelled():
                raise asyncio.CancelledError  # A class-based namespace has swallowed it.
        except RefusedByHandlerError as refusal:
            arguments: dict[str, Any] = refusal.error_args
            return arguments
        except (Exception, asyncio.CancelledError) as error:
            if is_cancelled():
                raise
            if not isinstance(error, ClientGoneError) or self._is_arriving(sid, eio_sid, namespace):
                logger.exception("the connect handler of %s failed for %s; refused the client", namespace, sid)
            return CONNECT_FAILED
        return CONNECT_REJECTED if answer is False else None

    async def _accept(self, sid: str, eio_sid: str, namespace: str, auth: Any, missed: Missed | None) -> None:
        connection = self.manager.connection(sid, namespace)
        if connection is None:
            return
        connection.let_in()
        if namespace != DEFAULT_NAMESPACE:
            await self._send_packet(eio_sid, self.packet_class(CONNECT, {"sid": sid}, namespace=namespace))
            await self.manager.connect(sid, namespace)
            return
        connection.takes_offsets = brought_by(auth).get("recovery") is not False
        await self.eio.scheduler.take()
        if not self._is_arriving(sid, eio_sid, namespace):
            return  # it went away in the meantime
        principal, reconnections = self.admission.principal(sid), self.reconnections
        if missed is not None and reconnections is not None and not reconnections.can_be_restored(missed, principal):
            await self._close_connection(eio_sid, Disconnect.CHANGED_MEANWHILE)  # it comes again
            return
        # From here to its hearing what goes out nothing may be waited for, or something would be missed.
        answer, restored = {"sid": sid}, NOTHING
        if missed is not None and reconnections is not None:
            answer["pid"] = missed.pid
            restored = reconnections.restore(missed, principal)
            for room in restored.rooms:
                self.manager.basic_enter_room(sid, namespace, room)
            connection.owe(restored.messages)
        elif self.recovery is not None:
            # Also of who will not be recovered: the next process has to know who was online.
            pid = self.recovery.begin(sid, principal)
            answer |= {"pid": pid} if connection.takes_offsets else {}
        messages = [Outgoing("0" + compact_json(answer)), *restored.messages]
        connection.writer.put_messages(messages, frames_of(messages))
        await self.manager.connect(sid, namespace)
        self.comes_back(sid, restored)
        logger.info("🔌 User connected: %s", sid)

    def _lose(self, sid: str) -> None:
        """Whoever holds a session at this moment, and not who may be about to take it up again, is closed."""
        if (holder := self.manager.connection(sid)) is not None:
            holder.end(Disconnect.TAKEN_OVER)

    async def _free(self, sid: str, asks_first: bool) -> bool:
        """Whoever held a session until now is half open, and is closed. Returns whether nobody does any more."""
        holder = self.manager.connection(sid)
        stay = holder is not None and await stays(holder, is_asked=asks_first)
        if holder is not None and not stay and self.manager.connection(sid) is holder:
            await holder.finish(Disconnect.TAKEN_OVER)
        return self.manager.eio_sid_from_sid(sid, DEFAULT_NAMESPACE) is None

    async def _refuse(self, eio_sid: str, namespace: str, reason: dict[str, Any]) -> None:
        await self._send_packet(eio_sid, self.packet_class(CONNECT_ERROR, data=reason, namespace=namespace))

    async def _handle_disconnect(
        self, eio_sid: str, namespace: str | None, reason: str | None = None, *, for_good: bool = False
    ) -> None:
        namespace = namespace or DEFAULT_NAMESPACE
        sid = self.manager.sid_from_eio_sid(eio_sid, namespace)
        if self.manager.is_connected(sid, namespace):
            self.manager.pre_disconnect(sid, namespace=namespace)
            await self._part_with(sid, namespace, reason or self.reason.CLIENT_DISCONNECT, for_good=for_good)
        elif self.manager.is_pre_connected(sid, namespace):
            # Its connect handler is still running. It was never connected, so no disconnect handler is told.
            await self.manager.disconnect(sid, namespace, ignore_queue=True)

    async def _handle_eio_disconnect(self, eio_sid: str, reason: str) -> None:
        await super()._handle_eio_disconnect(eio_sid, reason)
        self._reader.forget(eio_sid)
        connection = self.eio.sockets.get(eio_sid)
        if connection is not None and reason == self.reason.CLIENT_DISCONNECT:
            connection.let_go()  # or the poll that is under way, or the WebSocket, would be held open
        # Whoever sent another CONNECT while a disconnect handler was running; from here on none is listened to.
        for namespace in list(self.manager.get_namespaces()):
            await self._handle_disconnect(eio_sid, namespace, reason)

    async def _part_with(self, sid: str, namespace: str, reason: str, *, for_good: bool) -> None:
        if self.reconnections is not None and namespace == DEFAULT_NAMESPACE:
            self.reconnections.let_go(sid, self.manager.connection(sid), reason, for_good=for_good)
        try:
            await self._trigger_event("disconnect", namespace, sid, reason)
        except Exception:
            logger.exception(
                "the disconnect handler of %s failed for %s; the client is gone all the same", namespace, sid
            )
        finally:
            await self.manager.disconnect(sid, namespace, ignore_queue=True)
            if namespace == DEFAULT_NAMESPACE:
                logger.info("🔌 User disconnected: %s", sid)

    async def _handle_event(self, eio_sid: str, namespace: str, id: int | None, data: list[Any]) -> None:  # noqa: A002
        handler, _ = self._get_event_handler(data[0], namespace, ())
        if handler is None or inspect.iscoroutinefunction(handler):
            await super()._handle_event(eio_sid, namespace, id, data)  # in a task
        else:
            await self._respond(self.manager.sid_from_eio_sid(eio_sid, namespace), eio_sid, data, namespace, id)

    async def _handle_event_internal(self, server: Any, sid: str, eio_sid: str, data: Any, *rest: Any) -> None:
        await self.eio.scheduler.take()  # what reads a packet only begins this
        await self._respond(sid, eio_sid, data, *rest)

    async def _respond(self, sid: str, eio_sid: str, data: list[Any], namespace: str, ack_id: int | None) -> None:
        event, *arguments = data
        answer = await self._answer(event, namespace, sid, arguments)
        if ack_id is None or answer is None:
            return
        try:
            parts = packet_parts(self.packet_class(ACK, namespace=namespace, id=ack_id, data=answer))
        except Exception:
            logger.exception("the handler of %s returned what cannot be sent as its acknowledgement", event)
            parts = packet_parts(self.packet_class(ACK, namespace=namespace, id=ack_id, data=[INTERNAL_FAILURE]))
        if isinstance(answer, DeferredAnswer) and self.recovery is not None:
            saved = self.recovery.wait_until_saved(sid)
            if not saved.done():  # no task: of thousands who wait, each would be kept whole
                saved.add_done_callback(partial(self._acknowledge, eio_sid, parts))
                return
        self._acknowledge(eio_sid, parts)

    def _acknowledge(
        self, eio_sid: str, parts: list[str | bytes], saved: "asyncio.Future[None] | None" = None
    ) -> None:
        connection = self.eio.sockets.get(eio_sid)
        is_there = saved is None or not (saved.cancelled() or saved.exception())
        if connection is not None and is_there:
            for part in parts:
                connection.writer.put(Outgoing(part).packet)

    async def _answer(self, event: str, namespace: str, sid: str, arguments: list[Any]) -> list[Any] | None:
        """Runs the handler of an event; returns what to answer, or None to a client that has gone meanwhile."""
        if event in self.reserved_events or event == CATCH_ALL:
            return [UNKNOWN_EVENT]
        try:
            answer = await self._trigger_event(event, namespace, sid, *arguments)
        except (Exception, asyncio.CancelledError) as error:
            if is_cancelled():
                raise
            if isinstance(error, ClientGoneError):
                return None
            logger.exception("the handler of %s failed for %s", event, sid)
            return [INTERNAL_FAILURE]
        if answer is self.not_handled:
            return [UNKNOWN_EVENT]
        if isinstance(answer, DeferredAnswer):
            return answer
        return [] if answer is None else list(answer) if isinstance(answer, tuple) else [answer]

    async def _trigger_event(self, event: str, namespace: str, *args: Any) -> Any:
        handler, arguments = self._get_event_handler(event, namespace, args)
        if handler is not None:
            outcome = handler(*(fitting(handler, arguments) if event in self.reserved_events else arguments))
            return await outcome if inspect.isawaitable(outcome) else outcome
        owner, arguments = self._get_namespace_handler(namespace, args)
        if owner is None:
            return self.not_handled
        method = getattr(owner, f"on_{event}", None)
        if method is None and type(owner).trigger_event is socketio.AsyncNamespace.trigger_event:
            return self.not_handled
        fit = fitting(method, arguments) if event in self.reserved_events else arguments
        return await owner.trigger_event(event, *fit)
