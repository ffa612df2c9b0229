"""Evictions: clients leave a room that was taken from their user."""

from bridge.sockets.server import SocketServer

__all__ = ["evict"]


def evict(server: SocketServer, user_id: str, room: str) -> None:
    """None of a user's clients is in a room any more that they may not be in."""
    for sid, _ in list(server.manager.get_participants("/", room)):
        principal = server.admission.principal(sid)
        if principal.user_id == user_id and not principal.may_see(room):
            server.manager.basic_leave_room(sid, "/", room)
