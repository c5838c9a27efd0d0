"""A client that has joined a running container."""

from dataclasses import dataclass

from labctl.runtime.audience import Listener


@dataclass(frozen=True)
class Attachment:
    """`descriptor` leads to the container's stdin, or `terminal`; it is the client's.

    If it `stays`, the container's stdin goes on after the client's has ended.
    """

    listeners: tuple[Listener, ...]
    descriptor: int | None = None
    terminal: bool = False
    stays: bool = False

    async def ended(self) -> None:
        """The container has ended, and the client has all that it said."""
        for listener in self.listeners:
            await listener.closed.wait()

    def close(self) -> None:
        """The client has left."""
        for listener in self.listeners:
            listener.close()
