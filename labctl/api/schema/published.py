"""The definitions as Kubernetes publishes them, with descriptions: read when OpenAPI is asked for.

`published.json.gz` is made by tools/publish_schemas.py. Reading it costs some milliseconds, and
nothing of it is kept: documents are made of it once.
"""

import gzip
from collections.abc import Iterable
from pathlib import Path

import msgspec

from labctl.api.schema.definitions import Schema, references

FILE = Path(__file__).with_name("published.json.gz")


class Published(msgspec.Struct):
    """All stable kinds of Kubernetes; each definition is decoded when it is asked for."""

    kinds: dict[str, str]
    definitions: dict[str, msgspec.Raw]

    def name(self, group: str, version: str, kind: str) -> str | None:
        """The name of a kind's definition (io.k8s.api.core.v1.Pod); None if there is none."""
        return self.kinds.get("/".join(part for part in (group, version, kind) if part))

    def schema(self, name: str) -> Schema:
        """The definition of that name."""
        schema: Schema = msgspec.json.decode(self.definitions[name])
        return schema

    def reachable(self, names: Iterable[str]) -> set[str]:
        """These definitions and all that they lead to."""
        found: set[str] = set()
        waiting = [name for name in names if name in self.definitions]
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                waiting.extend(references(self.schema(one)))
        return found


def read_published() -> Published:
    return msgspec.json.decode(gzip.decompress(FILE.read_bytes()), type=Published)
