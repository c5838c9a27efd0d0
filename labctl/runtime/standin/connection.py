"""A client's TCP connection to a stand-in: bytes from the socket into a conversation, and back.

On the plain socket and not on a transport, because a stand-in has to be gone when it says so: a
descriptor that is closed one turn of the event loop later keeps a dead pod's namespace alive.
"""

import asyncio
import socket
from collections.abc import Callable

from labctl.runtime.standin.conversation import Detecting

_SILENCE_SECONDS = 0.5  # a client that said nothing for so long waits for us to speak
_CHUNK = 64 * 1024


class Connection:
    """Lives until the client is done, an error, or `close`; then calls `forget` once."""

    def __init__(
        self,
        connection: socket.socket,
        conversation: Detecting,
        forget: Callable[["Connection"], None],
    ) -> None:
        self._socket = connection
        self._conversation = conversation
        self._forget = forget
        self._unsent = b""
        self._ended = False  # the client has said its last
        self._loop = asyncio.get_running_loop()
        self._silence = self._loop.call_later(_SILENCE_SECONDS, self._speak_first)
        self._loop.add_reader(connection, self._receive)

    def close(self) -> None:
        if self._socket.fileno() < 0:
            return
        self._silence.cancel()
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._socket.close()
        self._forget(self)

    def _receive(self) -> None:
        try:
            data = self._socket.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            self.close()
            return
        if data:
            self._say(self._conversation.received(data))
        else:
            self._ended = True
            self._loop.remove_reader(self._socket)
            self._speak_first()

    def _speak_first(self) -> None:
        if self._socket.fileno() >= 0:
            self._say(self._conversation.silence())

    def _say(self, data: bytes) -> None:
        self._unsent += data
        self._send()

    def _send(self) -> None:
        """Sends what it can; while some is left, nothing more is read from this client."""
        try:
            self._unsent = self._unsent[self._socket.send(self._unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            self.close()
            return
        if self._unsent:
            self._loop.remove_reader(self._socket)
            self._loop.add_writer(self._socket, self._send)
        else:
            self._sent_all()

    def _sent_all(self) -> None:
        self._loop.remove_writer(self._socket)
        if self._ended or self._conversation.closing:
            self.close()
        else:
            self._loop.add_reader(self._socket, self._receive)
