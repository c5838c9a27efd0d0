"""The agent's HTTPS server: a kubelet's paths, for the API server only.

Whoever connects must show a certificate of the lab's CA whose organization is system:masters, as
the API server's own for this hop is; a node's certificate opens nothing here.
"""

import contextlib
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from labctl import names
from labctl.api import status
from labctl.api.log_options import LogOptions
from labctl.client.hangup import cut_if_abandoned
from labctl.cri.client import RuntimeClient
from labctl.cri.errors import CriError
from labctl.cri.messages import Container
from labctl.errors import BadInput, StatusError
from labctl.meters import CONTENT_TYPE
from labctl.node.forwards import Forwards, Port
from labctl.node.server.channels import PROTOCOLS, converse, refuse
from labctl.node.server.descriptors import readable
from labctl.node.server.log_reader import read_log
from labctl.node.server.lookup import Containers
from labctl.node.server.streams import Streams, Wishes
from labctl.node.stats.summary import NodeStats

_ADMINISTRATORS = "system:masters"
_CONTAINER = "{namespace}/{pod}/{container}"
_BACKLOG = 128
_LINE_LIMIT = 64 * 1024  # bytes, as the API server's: exec has its command in the query
_WISHES = ("stdin", "stdout", "stderr", "tty")
_FORWARD = (names.FORWARD_PROTOCOL,)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def server_tls(pki: Path, file_name: str) -> ssl.SSLContext:
    """TLS 1.2 or better, with a client certificate of the lab required."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(pki / f"{file_name}.crt", pki / f"{file_name}.key")
    context.load_verify_locations(pki / "ca.crt")
    context.verify_mode = ssl.CERT_REQUIRED
    context.num_tickets = 0  # nobody resumes a session here
    return context


class AgentServer:
    """Serves until `close`."""

    def __init__(
        self,
        containers: Containers,
        runtime: RuntimeClient,
        stats: NodeStats,
        forwards: Forwards,
    ) -> None:
        self._containers = containers
        self._runtime = runtime
        self._stats = stats
        self._forwards = forwards
        self._read: set[str] = set()  # interactive containers whose log somebody has read
        self._runner: web.AppRunner | None = None
        self._listener: socket.socket | None = None

    def listen(self, address: str, port: int = names.AGENT_PORT) -> None:
        """Takes connections on `address`, which wait for `run`; raises OSError."""
        self._listener = socket.create_server((address, port), backlog=_BACKLOG)
        self._listener.setblocking(False)

    async def run(self, tls: Callable[[], ssl.SSLContext]) -> None:
        """Begins to serve when somebody comes: most agents are never asked anything."""
        assert self._listener is not None
        await readable(self._listener.fileno())
        self._runner = web.AppRunner(
            self._application(),
            access_log=None,
            shutdown_timeout=1.0,
            handler_cancellation=True,  # else a log is followed after its reader has gone
            max_line_size=_LINE_LIMIT,
            max_field_size=_LINE_LIMIT,
        )
        await self._runner.setup()
        await web.SockSite(self._runner, self._listener, ssl_context=tls()).start()

    def _application(self) -> web.Application:
        app = web.Application(middlewares=[_failures, _authorization])
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/pods", self._pods)
        app.router.add_get("/stats/summary", self._summary)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get(f"/containerLogs/{_CONTAINER}", self._logs)
        app.router.add_get(f"/exec/{_CONTAINER}", self._exec)
        app.router.add_get(f"/attach/{_CONTAINER}", self._attach)
        app.router.add_get("/portForward/{namespace}/{pod}", self._forward)
        return app

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        if self._listener is not None:
            self._listener.close()

    async def _healthz(self, _request: web.Request) -> web.StreamResponse:
        return web.Response(text="ok")

    async def _pods(self, _request: web.Request) -> web.StreamResponse:
        body = {"kind": "PodList", "apiVersion": "v1", "metadata": {}}
        items = self._containers.pods()
        return _json({**body, "items": items})

    async def _summary(self, _request: web.Request) -> web.StreamResponse:
        return _json(self._stats.summary())

    async def _metrics(self, _request: web.Request) -> web.StreamResponse:
        return web.Response(body=self._stats.metrics(), headers={"Content-Type": CONTENT_TYPE})

    async def _logs(self, request: web.Request) -> web.StreamResponse:
        options = LogOptions.of(request.query, request.match_info["pod"], time.time())
        container = self._containers.with_log(*_place(request), previous=options.previous)
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        path = container.config.log_path
        lines = read_log(path, options, lambda: self._containers.is_running(container))
        with contextlib.suppress(ConnectionResetError):  # whoever followed has had enough
            async for data in lines:
                if data:
                    self._note_reading(container)
                    await response.write(data)
            await response.write_eof()
        return response

    def _note_reading(self, container: Container) -> None:
        """Of an interactive container: who attaches next has seen this. An empty log shows nothing."""
        if container.config.stdin_once:
            self._read.add(container.id)

    async def _exec(self, request: web.Request) -> web.StreamResponse:
        container = self._containers.running(*_place(request))
        command = tuple(request.query.getall("command", ()))
        if not command:
            raise status.bad_request("you must specify at least 1 command for the container")
        start = Streams.of_exec(self._runtime, container.id, command, _wishes(request))
        return await _serve_streams(request, start, "executing command in")

    async def _attach(self, request: web.Request) -> web.StreamResponse:
        container = self._containers.running(*_place(request))
        # kubectl ≥ 1.37 reads the log of what it is about to attach to; older ones would miss that
        unheard = container.id not in self._read
        start = Streams.of_attach(self._runtime, container.id, _wishes(request), unheard=unheard)
        return await _serve_streams(request, start, "attaching to")

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        place = request.match_info
        sandbox = self._containers.sandbox(place["namespace"], place["pod"])
        _require_upgrade(request, _FORWARD)
        port = Port.of(request.query.get("port", ""), request.query.get("protocol", "tcp"))
        client = await _open(request, _FORWARD)
        with cut_if_abandoned(request.transport):
            await self._forwards.serve(client, sandbox, port)
        await client.close()
        return client


async def _serve_streams(
    request: web.Request, start: Coroutine[Any, Any, Streams], doing: str
) -> web.StreamResponse:
    """Joins the client with a program's streams; `doing` says what failed if they cannot be had."""
    with contextlib.closing(start), cut_if_abandoned(request.transport):
        client = await _open(request, PROTOCOLS)
        try:
            streams = await start
        except CriError as error:
            await refuse(client, error, doing)
        else:
            with contextlib.closing(streams):
                await converse(client, streams)
        await client.close()
        return client


async def _open(request: web.Request, protocols: Sequence[str]) -> web.WebSocketResponse:
    """The client's WebSocket; raises 400 if that is not what it asks for."""
    _require_upgrade(request, protocols)
    client = web.WebSocketResponse(protocols=protocols, max_msg_size=0)
    await client.prepare(request)
    return client


def _require_upgrade(request: web.Request, protocols: Sequence[str]) -> None:
    if not web.WebSocketResponse(protocols=protocols).can_prepare(request):
        raise status.bad_request("Upgrade request required")


def _place(request: web.Request) -> tuple[str, str, str]:
    told = request.match_info
    return told["namespace"], told["pod"], told["container"]


def _wishes(request: web.Request) -> Wishes:
    return Wishes(**{word: request.query.get(word) == "true" for word in _WISHES})


@web.middleware
async def _failures(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Errors as the API server and its clients know them: a Status as JSON."""
    try:
        return await handler(request)
    except StatusError as error:
        return _json(error.status, error.code)
    except BadInput as error:
        return _json(status.bad_request(error.message).status, 400)
    except web.HTTPNotFound:
        return _json(status.no_such_path().status, 404)


@web.middleware
async def _authorization(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.path != "/healthz" and _ADMINISTRATORS not in organizations(request):
        raise status.failure(403, "Forbidden", "Forbidden: only the API server may ask this")
    return await handler(request)


def organizations(request: web.Request) -> tuple[str, ...]:
    """The organizations in the subject of the client's certificate."""
    certificate = request.get_extra_info("peercert") or {}
    subject = certificate.get("subject", ())
    return tuple(
        value for entry in subject for field, value in entry if field == "organizationName"
    )


def _json(body: object, code: int = 200) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(body), status=code, content_type="application/json"
    )
