"""The documents of one set of resources, each made when it is first asked for and kept compressed.

They are made in a thread, since it takes some tens of milliseconds, and by one at a time.
"""

import asyncio
import gzip
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from labctl.api.resource import Resource
from labctl.apiserver.openapi.definitions import SchemaOf
from labctl.apiserver.openapi.gnostic import as_protobuf
from labctl.apiserver.openapi.swagger import Named, as_json, swagger
from labctl.apiserver.openapi.v3 import group_document, group_path

_LEVEL = 6

Encode = Callable[[Iterable[Named], Iterable[Named]], bytes]


@dataclass(frozen=True, slots=True)
class Document:
    """Bytes with the name of their content, by which a client knows them again."""

    digest: str
    compressed: bytes

    @classmethod
    def of(cls, content: bytes) -> "Document":
        digest = hashlib.sha256(content).hexdigest()[:32].upper()
        return cls(digest, gzip.compress(content, _LEVEL, mtime=0))

    def plain(self) -> bytes:
        return gzip.decompress(self.compressed)


class Documents:
    """OpenAPI of `resources`; `schema_of` tells the schemas of kinds that users defined."""

    def __init__(self, resources: Sequence[Resource], schema_of: SchemaOf) -> None:
        self._resources = tuple(resources)
        self._schema_of = schema_of
        self._making = asyncio.Lock()
        self._swagger: dict[Encode, Document] = {}
        self._groups: dict[str, Document] = {}

    async def swagger_protobuf(self) -> Document:
        """Version 2 in the form that kubectl up to 1.26 reads."""
        return await self._swagger_in(as_protobuf)

    async def swagger_json(self) -> Document:
        return await self._swagger_in(as_json)

    async def groups(self) -> Mapping[str, Document]:
        """Version 3, by `api/v1`, `apis/apps/v1` and so on."""
        async with self._making:
            if not self._groups:
                self._groups = await asyncio.to_thread(self._make_groups)
        return self._groups

    async def index(self) -> Document:
        """Where the documents of version 3 are; their addresses change with their content."""
        addresses = {path: {"serverRelativeURL": url} for path, url in (await self.urls()).items()}
        return Document.of(msgspec.json.encode({"paths": addresses}))

    async def urls(self) -> dict[str, str]:
        groups = await self.groups()
        return {path: f"/openapi/v3/{path}?hash={one.digest}" for path, one in groups.items()}

    async def _swagger_in(self, encode: Encode) -> Document:
        async with self._making:
            if encode not in self._swagger:
                self._swagger[encode] = await asyncio.to_thread(self._make_swagger, encode)
        return self._swagger[encode]

    def _make_swagger(self, encode: Encode) -> Document:
        return Document.of(encode(*swagger(self._resources, self._schema_of)))

    def _make_groups(self) -> dict[str, Document]:
        members: dict[str, list[Resource]] = {}
        for resource in self._resources:
            members.setdefault(group_path(resource), []).append(resource)
        return {
            path: Document.of(group_document(group, self._schema_of))
            for path, group in members.items()
        }
