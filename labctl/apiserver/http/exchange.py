"""One HTTP exchange: read a request, have it answered, write the answer, whatever happens."""

import asyncio
import logging
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import cached_property

import msgspec
from aiohttp import web
from aiohttp.http import HttpVersion11

from labctl.api import status
from labctl.apiserver.answers import Answer, Listing, Stream
from labctl.apiserver.authentication import Credentials
from labctl.apiserver.discovery import Document
from labctl.apiserver.http import pieces
from labctl.apiserver.http.body import arrived_body, read_body
from labctl.apiserver.http.connection import Connection
from labctl.apiserver.http.health import ENDPOINTS, health
from labctl.apiserver.http.limits import Limits
from labctl.apiserver.http.watches import send_watch
from labctl.apiserver.http.whole import Whole
from labctl.apiserver.measures.page import metrics
from labctl.apiserver.negotiation import OBJECT_FORMS, WATCH_FORMS, negotiated
from labctl.apiserver.request import JSON, YAML, Identity, Request, verb_of
from labctl.apiserver.server import ApiServer
from labctl.errors import StatusError
from labctl.meters import CONTENT_TYPE

logger = logging.getLogger(__name__)

_JSON = {"Content-Type": JSON}
_WARNINGS, _WARNING_LENGTH = 32, 512  # a head has to stay small, whatever was in the body
_HEALTH = tuple(f"/{endpoint}" for endpoint in ENDPOINTS)
_UCRED = struct.Struct("3i")  # pid, uid, gid: unix(7), SO_PEERCRED

Proxy = Callable[[web.BaseRequest, Request], Awaitable[web.StreamResponse]]


class Exchange:
    """Answers aiohttp's requests from an API server; `proxies` serve what agents answer."""

    def __init__(self, server: ApiServer, proxies: Mapping[str, Proxy], limits: Limits) -> None:
        self._server = server
        self._limits = limits
        self._proxies = proxies

    @cached_property
    def _openapi(self) -> Callable[[web.BaseRequest, str], Awaitable[web.Response]]:
        # Imported when somebody asks: it takes ten milliseconds, and most labs are never asked.
        from labctl.apiserver.http.openapi import OpenApi

        return OpenApi(self._server.served).respond

    async def __call__(self, http: web.BaseRequest) -> web.StreamResponse:
        """The response to a request; nothing but a lost connection is ever raised."""
        try:
            return await self._respond(http)
        except StatusError as error:
            return _failure(error)
        except (asyncio.CancelledError, ConnectionError):
            raise
        except Exception as error:
            logger.exception("%s %s", http.method, http.path_qs)
            return _failure(status.internal_error(f"{type(error).__name__}: {error}"))

    async def _respond(self, http: web.BaseRequest) -> web.StreamResponse:
        user = await self._server.identify(credentials_of(http), http.headers.items())
        target = await self._server.served.locate(http.path)
        if target is None:
            with self._server.in_flight.place(user, http.method.lower()):
                return await self._respond_to_path(http, user)
        query = http.query if http.query_string else {}
        request = Request(
            verb_of(http.method, target, query),
            target,
            user,
            query,
            arrived_body(http),
            http.headers.get("Content-Type", ""),
            http.headers.get("Accept", ""),
            http.headers.get("User-Agent") or "unknown",
        )
        with self._server.in_flight.place(user, request.verb, request.subresource):
            return await self._server.measures.measured(
                request, self._respond_to_request(http, request)
            )

    async def _respond_to_request(
        self, http: web.BaseRequest, request: Request
    ) -> web.StreamResponse:
        await self._server.authorize(request)  # before more of the body is taken in
        proxy = self._proxies.get(request.subresource) if request.subresource else None
        if proxy is not None:
            return await proxy(http, request)
        if http.can_read_body:
            request = replace(request, body=await read_body(http, self._limits))
        form = negotiated(request.accept, WATCH_FORMS if request.verb == "watch" else OBJECT_FORMS)
        answer = await self._server.answer(request)
        if isinstance(answer, Stream):
            measures, resource = self._server.measures, request.resource
            return await send_watch(
                http,
                answer,
                self._limits.stall_seconds,
                lambda events: measures.watched(resource, events),
            )
        if form == YAML:
            return await _as_yaml(answer)
        if isinstance(answer, Listing) and answer.size() > pieces.PIECE:
            sent = await pieces.begin(http, self._limits.stall_seconds)
            await sent.send(answer.texts())
            return await sent.end()
        if answer.warnings or not http.keep_alive or http.version < HttpVersion11:
            return _response(answer, answer.body(), JSON)
        return Whole(answer.code, JSON, answer.body())

    async def _respond_to_path(self, http: web.BaseRequest, user: Identity) -> web.Response:
        """What is no resource: health, metrics, version, discovery and OpenAPI."""
        path = http.path.rstrip("/")
        await self._server.authorize_path(user, http.method, path or "/")
        if path.startswith("/openapi/") and http.method in {"GET", "HEAD"}:
            return await self._openapi(http, path)
        found = await self._server.served.document(path, http.headers.get("Accept", ""))
        if http.method not in {"GET", "HEAD"}:
            raise status.method_not_allowed() if found else status.no_such_path()
        if path.startswith(_HEALTH):
            return await self._health(http, path)
        if path == "/metrics":
            return self._metrics()
        if found is None:
            raise status.no_such_path()
        return _document(found, http.headers.get("If-None-Match", ""))

    async def _health(self, http: web.BaseRequest, path: str) -> web.Response:
        checks = self._server.checks(path.split("/")[1])
        excluded = http.query.getall("exclude", ())
        found = await health(path, checks, excluded, verbose="verbose" in http.query)
        if found is None:
            raise status.no_such_path()
        headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache, private"}
        return web.Response(text=found.text, status=found.code, headers=headers)

    def _metrics(self) -> web.Response:
        text = metrics(self._server.measures, self._server.cache)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE})


def credentials_of(http: web.BaseRequest) -> Credentials:
    """What the connection and the headers say of the sender."""
    connection = http.protocol
    if not isinstance(connection, Connection):
        raise TypeError("a request without a connection")
    if connection.peer is None:
        connection.peer = _peer(http.transport)
    authorization = http.headers.get("Authorization", "")
    return (
        replace(connection.peer, authorization=authorization) if authorization else connection.peer
    )


def _peer(transport: asyncio.Transport | None) -> Credentials:
    """Who is at the other end, for as long as the connection is."""
    if transport is None:
        raise ConnectionResetError
    connection = transport.get_extra_info("socket")
    if connection is not None and connection.family == socket.AF_UNIX:
        raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
        return Credentials(uid=_UCRED.unpack(raw)[1])
    return Credentials(transport.get_extra_info("peercert"))


async def _as_yaml(answer: Answer) -> web.Response:
    """In a thread, since writing YAML takes milliseconds for each object."""
    from labctl.api import yaml_text

    text = await asyncio.to_thread(yaml_text.dump, answer.object())
    return _response(answer, text.encode(), YAML)


def _response(answer: Answer, body: bytes, content_type: str) -> web.Response:
    headers = {"Content-Type": content_type}
    response = web.Response(body=body, status=answer.code, headers=headers)
    for warning in answer.warnings[:_WARNINGS]:
        # As JSON, so that nothing of what a client sent can end the header.
        text = msgspec.json.encode(warning[:_WARNING_LENGTH]).decode()
        response.headers.add("Warning", f"299 - {text}")
    return response


def _document(document: Document, known: str) -> web.Response:
    """Discovery; 304 for a client that has this very document (RFC 9110, 13.1.2)."""
    headers = {
        "Content-Type": document.content_type,
        "ETag": document.etag,
        "Cache-Control": "public",
        "Vary": "Accept",
    }
    if document.etag in known:
        return web.Response(status=304, headers=headers)
    return web.Response(body=document.body, headers=headers)


def _failure(error: StatusError) -> web.Response:
    body = msgspec.json.encode(error.status)
    response = web.Response(body=body, status=error.code, headers=_JSON)
    retry = error.status.get("details", {}).get("retryAfterSeconds")
    if retry:
        response.headers["Retry-After"] = str(retry)
    return response
