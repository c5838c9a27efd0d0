"""`/openapi/v2` and `/openapi/v3` on the wire: media types, caching, compression.

As k8s.io/kube-openapi serves them, but for the media type of version 2: naming it as it is asked
for, with an `@`, breaks clients that parse media types by RFC 2045 (kubectl 1.20 of Debian).
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from aiohttp import web

from labctl.api import status
from labctl.api.resource import Resource
from labctl.api.schema.definitions import Schema
from labctl.apiserver.catalog import Served
from labctl.apiserver.negotiation import negotiated
from labctl.apiserver.openapi.documents import Document, Documents
from labctl.apiserver.request import JSON

_PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
_PROTOBUF_ASKED = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
_V2, _V3 = "/openapi/v2", "/openapi/v3"
_UNCACHED = {"Cache-Control": "no-cache, private"}


class OpenApi:
    """Answers what is asked below `/openapi`, of the catalog of now."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._catalog = served.catalog
        self._documents = Documents(self._catalog.served, _structural_schema)

    async def respond(self, http: web.BaseRequest, path: str) -> web.Response:
        """The document at a path without its trailing slash; raises 404, 406."""
        catalog = await self._served.newest()
        if catalog is not self._catalog:
            self._catalog = catalog
            self._documents = Documents(catalog.served, _structural_schema)
        accept = http.headers.get("Accept", "")
        if path == _V2:
            return await self._swagger(http, accept)
        negotiated(accept, (JSON,))
        if path == _V3:
            return _response(http, await self._documents.index(), JSON, _UNCACHED)
        group = path.removeprefix(f"{_V3}/")
        document = (await self._documents.groups()).get(group)
        if document is None:
            raise status.no_such_path()
        return await self._group(http, group, document)

    async def _swagger(self, http: web.BaseRequest, accept: str) -> web.Response:
        form = negotiated(accept, (JSON, _PROTOBUF_ASKED, _PROTOBUF))
        if form == JSON:
            return _response(http, await self._documents.swagger_json(), JSON, _UNCACHED)
        return _response(http, await self._documents.swagger_protobuf(), _PROTOBUF, _UNCACHED)

    async def _group(self, http: web.BaseRequest, group: str, document: Document) -> web.Response:
        """A document whose address names its content may be kept for ever; others lead there."""
        wanted = http.query.get("hash")
        if wanted is None:
            return _response(http, document, JSON, _UNCACHED)
        if wanted != document.digest:
            url = (await self._documents.urls())[group]
            return web.Response(status=301, headers={"Location": url})
        expires = format_datetime(datetime.now(UTC) + timedelta(days=365), usegmt=True)
        headers = {"Cache-Control": "public, immutable", "Expires": expires}
        return _response(http, document, JSON, headers)


def _structural_schema(resource: Resource) -> Schema | None:
    return None if resource.custom is None else resource.custom.schema


def _response(
    http: web.BaseRequest, document: Document, content_type: str, caching: Mapping[str, str]
) -> web.Response:
    tag = f'"{document.digest}"'
    headers = {**caching, "ETag": tag, "Vary": "Accept, Accept-Encoding"}
    if _is_known(http.headers.get("If-None-Match", ""), tag):
        return web.Response(status=304, headers=headers)
    headers["Content-Type"] = content_type
    if "gzip" in http.headers.get("Accept-Encoding", "").lower():
        headers["Content-Encoding"] = "gzip"
        return web.Response(body=document.compressed, headers=headers)
    return web.Response(body=document.plain(), headers=headers)


def _is_known(condition: str, tag: str) -> bool:
    """Whether an If-None-Match header names the tag (RFC 9110, 13.1.2)."""
    return any(one.strip().removeprefix("W/") in {tag, "*"} for one in condition.split(","))
