"""Who is typing where, so that one who vanishes can be stopped. It decides, without I/O."""

from dataclasses import dataclass

from bridge.sockets.errors import TooManyError

__all__ = ["Typing", "Typists"]

# Nobody types in more chats at once; without a limit, one client could fill the memory.
CHATS_LIMIT_PER_SOCKET = 50


@dataclass(frozen=True, slots=True)
class Typing:
    """A user typing in a chat."""

    chat_id: str
    user_id: str


class Typists:
    """Who types, by sockets: a user with two types until both have stopped."""

    def __init__(self) -> None:
        self._of_socket: dict[str, set[Typing]] = {}
        self._sockets: dict[Typing, int] = {}

    def start(self, sid: str, typing: Typing) -> None:
        """A socket's user types. Raises TooManyError."""
        own = self._of_socket.setdefault(sid, set())
        if typing in own:
            return
        if len(own) >= CHATS_LIMIT_PER_SOCKET:
            raise TooManyError(f"one connection types in at most {CHATS_LIMIT_PER_SOCKET} chats at once")
        own.add(typing)
        self._sockets[typing] = self._sockets.get(typing, 0) + 1

    def types(self, sid: str, typing: Typing) -> bool:
        """Whether a socket's user types."""
        return typing in self._of_socket.get(sid, ())

    def any_types(self, typing: Typing) -> bool:
        """Whether a user types by any socket."""
        return typing in self._sockets

    def stop(self, sid: str, typing: Typing) -> bool:
        """A socket's user does not type any more. Returns whether that was the last socket to say so."""
        own = self._of_socket.get(sid, set())
        if typing not in own:
            return False
        own.discard(typing)
        if not own:
            del self._of_socket[sid]
        self._sockets[typing] -= 1
        if self._sockets[typing]:
            return False
        del self._sockets[typing]
        return True

    def leave(self, sid: str, chat_id: str) -> list[Typing]:
        """A socket left a chat. Returns who has stopped typing by that."""
        typings = [typing for typing in self._of_socket.get(sid, ()) if typing.chat_id == chat_id]
        return [typing for typing in typings if self.stop(sid, typing)]

    def leave_user(self, sid: str, user_id: str) -> list[Typing]:
        """A socket stands for a user no longer. Returns what that user has stopped typing by that."""
        typings = [typing for typing in self._of_socket.get(sid, ()) if typing.user_id == user_id]
        return [typing for typing in typings if self.stop(sid, typing)]

    def depart(self, sid: str) -> list[Typing]:
        """A socket is gone. Returns who has stopped typing by that."""
        return [typing for typing in list(self._of_socket.get(sid, ())) if self.stop(sid, typing)]
