"""The channel protocol of exec, spoken with a WebSocket server on a real socket."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from labctl.api.objects import Obj
from labctl.client.http import HttpTransport
from labctl.client.stream import exec_stream, exit_code
from labctl.errors import StatusError

_SUCCESS: Obj = {"metadata": {}, "status": "Success"}


def _failure(code: int) -> Obj:
    return {
        "status": "Failure",
        "reason": "NonZeroExitCode",
        "message": f"command terminated with non-zero exit code {code}",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


class _Container:
    """The far end: echoes stdin to stdout until it ends, notes sizes, then tells its status."""

    def __init__(self, status: Obj, *, breaks: bool = False) -> None:
        self.status = status
        self.breaks = breaks
        self.query: list[tuple[str, str]] = []
        self.sizes: list[Obj] = []

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.query = list(request.query.items())
        socket = web.WebSocketResponse(protocols=("v5.channel.k8s.io",))
        await socket.prepare(request)
        await socket.send_bytes(b"\x01")
        await socket.send_bytes(b"\x02to stderr")
        async for message in socket:
            channel, data = message.data[:1], message.data[1:]
            if channel == b"\x00":
                await socket.send_bytes(b"\x01" + data)
            elif channel == b"\x04":
                self.sizes.append(msgspec.json.decode(data))
            elif message.data == b"\xff\x00":
                break
        if not self.breaks:
            await socket.send_bytes(b"\x03" + msgspec.json.encode(self.status))
        await socket.close()
        return socket


@contextlib.asynccontextmanager
async def _reachable(container: _Container, path: Path) -> AsyncIterator[HttpTransport]:
    runner = web.ServerRunner(web.Server(container.handle))
    await runner.setup()
    await web.UnixSite(runner, str(path)).start()
    transport = HttpTransport.unix(path)
    try:
        yield transport
    finally:
        await transport.close()
        await runner.cleanup()


async def _typed(*portions: bytes) -> AsyncIterator[bytes]:
    for portion in portions:
        yield portion


@pytest.mark.parametrize(("status", "code"), [(_SUCCESS, 0), (_failure(3), 3)])
def test_bytes_go_both_ways_and_the_exit_code_comes_back(
    tmp_path: Path, status: Obj, code: int
) -> None:
    async def scenario() -> None:
        out, err = bytearray(), bytearray()
        container = _Container(status)
        async with _reachable(container, tmp_path / "s") as transport:
            got = await exec_stream(
                transport,
                "default",
                "web",
                "c",
                ["sh", "-c", "cat"],
                stdin=_typed(b"one\n", b"two\n"),
                stdout=out.extend,
                stderr=err.extend,
            )
        assert (got, bytes(out), bytes(err)) == (code, b"one\ntwo\n", b"to stderr")
        words = [value for name, value in container.query if name == "command"]
        assert words == ["sh", "-c", "cat"]

    asyncio.run(scenario())


def test_a_terminal_has_a_size_and_no_stderr(tmp_path: Path) -> None:
    async def scenario() -> None:
        container = _Container(_SUCCESS)
        sized = asyncio.Event()

        async def typed_after_the_size() -> AsyncIterator[bytes]:
            await sized.wait()
            yield b"x"

        async def sizes() -> AsyncIterator[tuple[int, int]]:
            yield (90, 33)
            sized.set()

        async with _reachable(container, tmp_path / "s") as transport:
            await exec_stream(
                transport,
                "default",
                "web",
                "",
                ["sh"],
                stdin=typed_after_the_size(),
                stdout=lambda _: None,
                stderr=lambda _: None,
                tty=True,
                resize=sizes(),
            )
        assert container.sizes == [{"Width": 90, "Height": 33}]
        query = dict(container.query)
        assert query["stderr"] == "false"
        assert "container" not in query

    asyncio.run(scenario())


def test_a_connection_that_breaks_is_no_exit_code(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with _reachable(_Container(_SUCCESS, breaks=True), tmp_path / "s") as transport:
            with pytest.raises(StatusError, match="connection lost"):
                await exec_stream(
                    transport,
                    "default",
                    "web",
                    "c",
                    ["true"],
                    stdin=_typed(),
                    stdout=lambda _: None,
                    stderr=lambda _: None,
                )

    asyncio.run(scenario())


def test_a_status_without_exit_code_is_an_error() -> None:
    with pytest.raises(StatusError, match="no such program"):
        exit_code({"status": "Failure", "message": "no such program"})
