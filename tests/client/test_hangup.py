"""A peer that hangs up is noticed also by a server that has stopped reading."""

import asyncio
from collections.abc import Callable

import pytest
import uvloop

from labctl.client.hangup import cut_if_abandoned


class Server(asyncio.Protocol):
    """Reads nothing; `lost` is set when the connection is gone."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.made = asyncio.Event()
        self.lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        assert self.transport is not None
        self.transport.pause_reading()
        self.made.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (the protocol's signature)
        self.lost.set()


@pytest.mark.parametrize("make_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_connection_that_nobody_reads_is_cut_once_its_peer_is_gone(
    make_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    async def main() -> None:
        server = Server()
        listening = await asyncio.get_running_loop().create_server(lambda: server, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"unread")
        await server.made.wait()
        with cut_if_abandoned(server.transport):
            writer.close()
            await asyncio.wait_for(server.lost.wait(), 20)
        with pytest.raises(ConnectionResetError), cut_if_abandoned(server.transport):
            pass
        listening.close()

    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(main())


def test_one_that_ends_by_itself_is_left_alone() -> None:
    async def main() -> None:
        server = Server()
        listening = await asyncio.get_running_loop().create_server(lambda: server, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        await server.made.wait()
        with cut_if_abandoned(server.transport):
            writer.close()
        assert server.transport is not None
        assert not server.transport.is_closing()
        server.transport.close()
        await server.lost.wait()
        listening.close()

    asyncio.run(main())
