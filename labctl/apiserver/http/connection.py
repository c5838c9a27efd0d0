"""One client's connection: aiohttp's, with a Status for what is no HTTP, and a word at its end."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from labctl.api import causes, status
from labctl.apiserver.authentication import Credentials
from labctl.apiserver.http.limits import Limits
from labctl.apiserver.request import JSON

Handle = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Connection(web.RequestHandler):
    """Calls `on_lost` once, when it is over; `peer` is who it is with, once that was asked for."""

    __slots__ = ("on_lost", "peer")

    on_lost: Callable[[], None] | None
    peer: Credentials | None

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        tell, self.on_lost = self.on_lost, None
        if tell is not None:
            tell()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """A Status for what could not be read; nothing is logged, since anybody may send that, or
        go away in the middle of an answer.
        """
        if isinstance(exc, ConnectionError):
            raise exc
        if status != 400 or request.writer.output_size > 0:
            return super().handle_error(request, status, exc, message)
        return unreadable(message or "no HTTP")


def unreadable(why: str) -> web.Response:
    """400 for a request whose end cannot be known; the connection ends with it."""
    error = status.bad_request(causes.cut(f"the request cannot be read: {why}"))
    response = web.Response(
        body=msgspec.json.encode(error.status), status=error.code, content_type=JSON
    )
    response.force_close()
    return response


class Server(web.Server):
    """Makes the connections in which `handle` answers."""

    def __init__(self, handle: Handle, limits: Limits) -> None:
        self._limits = limits
        super().__init__(
            handle,
            request_factory=_request_factory(limits.body_bytes),
            handler_cancellation=True,  # else a watch goes on after its client has gone
        )

    def __call__(self) -> Connection:
        connection = Connection(
            self,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # aiohttp's own way to have none
            keepalive_timeout=self._limits.idle_seconds,
            max_line_size=self._limits.head_bytes,
            max_field_size=self._limits.head_bytes,
            auto_decompress=False,  # nobody compresses what they send, and bombs are made so
        )
        connection.on_lost = None
        connection.peer = None
        return connection


def _request_factory(body_limit: int) -> Any:
    def make(
        message: Any, payload: Any, protocol: Any, writer: Any, task: "asyncio.Task[None]"
    ) -> web.BaseRequest:
        loop = asyncio.get_running_loop()
        return web.BaseRequest(
            message, payload, protocol, writer, task, loop, client_max_size=body_limit
        )

    return make
