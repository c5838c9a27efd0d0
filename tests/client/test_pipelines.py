"""Requests that share connections, against a server that says exactly what it is told to."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from labctl.client.pipelines import Connection, Pipelines

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def _request(number: int) -> bytes:
    return b"GET /%d HTTP/1.1\r\nHost: here\r\n\r\n" % number


def _answer(body: bytes, *, more: bytes = b"") -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n%s" % (len(body), more, body)


@contextlib.asynccontextmanager
async def _pipelines(serve: Serve) -> AsyncIterator[Pipelines]:
    handlers: set[asyncio.Task[None] | None] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handlers.add(asyncio.current_task())
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await serve(reader, writer)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(handle, "127.0.0.1")
    host, port = server.sockets[0].getsockname()

    async def connect(connection: Connection) -> None:
        await asyncio.get_running_loop().create_connection(lambda: connection, host, port)

    pipelines = Pipelines(connect)
    try:
        yield pipelines
    finally:
        pipelines.close()
        await asyncio.gather(*(task for task in handlers if task is not None))
        server.close()


async def _read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    return head.split(b" ")[1]


def test_answers_belong_to_their_questions() -> None:
    connections = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        while True:
            writer.write(_answer(await _read_request(reader)))

    async def scenario() -> None:
        async with _pipelines(serve) as pipelines:
            asked = (pipelines.ask(_request(number), 10) for number in range(100))
            answers = await asyncio.gather(*asked)
            assert [(one.status, one.body) for one in answers] == [
                (200, b"/%d" % number) for number in range(100)
            ]
            assert len(connections) == 2
            assert (await pipelines.ask(_request(100), 10)).body == b"/100"
            assert len(connections) == 2

    asyncio.run(scenario())


def test_the_next_request_does_not_wait_for_an_answer() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers four at once, when it has them all."""
        paths = [await _read_request(reader) for _ in range(4)]
        writer.write(b"".join(_answer(one) for one in paths))

    async def scenario() -> None:
        async with _pipelines(serve) as pipelines, asyncio.timeout(10):
            asked = (pipelines.ask(_request(number), 10) for number in range(8))
            answers = await asyncio.gather(*asked)
            assert [one.body for one in answers] == [b"/%d" % number for number in range(8)]

    asyncio.run(scenario())


def test_few_requests_share_one_connection() -> None:
    connections = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        while True:
            writer.write(_answer(await _read_request(reader)))

    async def scenario() -> None:
        async with _pipelines(serve) as pipelines:
            await asyncio.gather(*(pipelines.ask(_request(number), 10) for number in range(4)))
            assert len(connections) == 1

    asyncio.run(scenario())


def test_a_connection_that_ends_fails_what_was_asked_and_is_replaced() -> None:
    served = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        served += 1
        path = await _read_request(reader)
        if served > 1:
            writer.write(_answer(path))

    async def scenario() -> None:
        async with _pipelines(serve) as pipelines:
            with pytest.raises(ConnectionError):
                await pipelines.ask(_request(1), 10)
            assert (await pipelines.ask(_request(2), 10)).body == b"/2"

    asyncio.run(scenario())


def test_a_server_that_says_close_is_asked_nothing_more_there() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(_answer(await _read_request(reader), more=b"Connection: close\r\n"))
        await reader.read()

    async def scenario() -> None:
        async with _pipelines(serve) as pipelines:
            for number in range(3):
                answer = await pipelines.ask(_request(number), 10)
                assert answer.body == b"/%d" % number

    asyncio.run(scenario())


def test_a_silent_server_is_given_up() -> None:
    async def serve(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async def scenario() -> None:
        async with _pipelines(serve) as pipelines:
            with pytest.raises(TimeoutError):
                await pipelines.ask(_request(1), 0.05)

    asyncio.run(scenario())


def test_what_is_no_http_is_an_error() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _read_request(reader)
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        await reader.read()

    async def scenario() -> None:
        async with _pipelines(serve) as pipelines:
            with pytest.raises(ConnectionError, match="no HTTP"):
                await pipelines.ask(_request(1), 10)

    asyncio.run(scenario())


def test_who_does_not_wait_any_more_leaves_the_others_their_answers() -> None:
    asked, go = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            path = await _read_request(reader)
            asked.set()
            await go.wait()
            writer.write(_answer(path))

    async def scenario() -> None:
        async with _pipelines(serve) as pipelines:
            tasks = [
                asyncio.create_task(pipelines.ask(_request(number), 10)) for number in range(8)
            ]
            await asyncio.wait_for(asked.wait(), 10)
            tasks[1].cancel()
            go.set()
            answers = await asyncio.gather(*tasks, return_exceptions=True)
            assert isinstance(answers[1], asyncio.CancelledError)
            rest = [one for one in answers if not isinstance(one, BaseException)]
            assert [one.body for one in rest] == [b"/%d" % n for n in (0, 2, 3, 4, 5, 6, 7)]

    asyncio.run(scenario())
