"""Those who listen to a container beside its log: attached clients, each by a pipe of its own."""

import asyncio
import os
from collections.abc import Callable

_UNHEARD_MAX = 64 * 1024


class Listener:
    """The writing end of one client's pipe, which is closed in the end. What does not fit waits."""

    def __init__(self, descriptor: int, changed: Callable[[], None]) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._changed = changed
        self._unsent = b""
        self._last = False
        self._loop = asyncio.get_running_loop()
        self.closed = asyncio.Event()

    @property
    def behind(self) -> bool:
        return bool(self._unsent)

    def hear(self, data: bytes) -> None:
        if not self.closed.is_set():
            waiting = self.behind
            self._unsent += data
            if not waiting:
                self._send()

    def end(self) -> None:
        """No more comes: closes once what is left was taken."""
        self._last = True
        self.hear(b"")

    def close(self) -> None:
        if not self.closed.is_set():
            self.closed.set()
            self._unsent = b""
            self._loop.remove_writer(self._descriptor)
            os.close(self._descriptor)
            self._changed()

    def _send(self) -> None:
        try:
            while self._unsent:
                self._unsent = self._unsent[os.write(self._descriptor, self._unsent) :]
        except BlockingIOError:
            self._loop.add_writer(self._descriptor, self._send_rest)
        except OSError:  # nobody reads any more
            self.close()
        else:
            if self._last:
                self.close()

    def _send_rest(self) -> None:
        self._loop.remove_writer(self._descriptor)
        self._send()
        if not self.behind:
            self._changed()


class Audience:
    """The listeners of one stream.

    While one of them is `behind`, no more should be said; `caught_up` is called when none is. With
    `patient` what is said before anybody listens waits for the first, up to the size of a pipe.
    """

    def __init__(self, *, patient: bool = False) -> None:
        self._listeners: set[Listener] = set()
        self._unheard = b""
        self._patient = patient
        self.caught_up: Callable[[], None] = _ignore

    @property
    def behind(self) -> bool:
        return any(listener.behind for listener in self._listeners)

    def join(self, descriptor: int, *, unheard: bool) -> Listener:
        """Says everything into `descriptor` from now on, until the end or its `close`.

        What nobody has heard yet comes first if it wants the `unheard`, and is dropped if not.
        """
        listener = Listener(descriptor, self._changed)
        self._listeners.add(listener)
        listener.hear(self._unheard if unheard else b"")
        self._unheard, self._patient = b"", False
        return listener

    def hear(self, data: bytes) -> None:
        if self._patient:
            self._unheard = (self._unheard + data)[:_UNHEARD_MAX]
        for listener in tuple(self._listeners):
            listener.hear(data)

    def end(self) -> None:
        for listener in tuple(self._listeners):
            listener.end()

    def _changed(self) -> None:
        self._listeners = {one for one in self._listeners if not one.closed.is_set()}
        if not self.behind:
            self.caught_up()


def _ignore() -> None:
    """Nobody was waiting."""
