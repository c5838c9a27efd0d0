"""Noticing that a peer has hung up while nobody reads from its connection.

Back-pressure stops reading, and with it an event loop stops looking at a socket altogether: of a
client that was killed meanwhile it would never learn. The kernel tells it all the same (EPOLLRDHUP,
epoll_ctl(2)), to an epoll instance of our own, which the loop can wait for as for any descriptor.
"""

import asyncio
import contextlib
import select
from collections.abc import Iterator

_GRACE_SECONDS = 2.0  # for whoever still reads to come to the end of what was sent


@contextlib.contextmanager
def cut_if_abandoned(transport: asyncio.Transport | None) -> Iterator[None]:
    """While the body runs, a connection whose peer has hung up is cut, unless it ends by itself.

    Raises ConnectionResetError if it is gone already.
    """
    if transport is None or transport.is_closing():
        raise ConnectionResetError("the client hung up")
    loop = asyncio.get_running_loop()
    cuts: list[asyncio.TimerHandle] = []
    with contextlib.closing(select.epoll()) as poll:

        def hung_up() -> None:
            loop.remove_reader(poll.fileno())
            cuts.append(loop.call_later(_GRACE_SECONDS, transport.abort))

        poll.register(transport.get_extra_info("socket").fileno(), select.EPOLLRDHUP)
        loop.add_reader(poll.fileno(), hung_up)
        try:
            yield
        finally:
            loop.remove_reader(poll.fileno())
            for cut in cuts:
                cut.cancel()
