"""The definitions themselves: found by kind, and references followed."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from labctl.api.resource import Resource

Schema = dict[str, Any]
OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_PREFIX = len("#/definitions/")


@cache
def _file() -> dict[str, dict[str, Any]]:
    # Not importlib.resources: that imports zip files, temporary files and e-mail, for 25 ms.
    data = Path(__file__).with_name("definitions.json").read_bytes()
    content: dict[str, dict[str, Any]] = msgspec.json.decode(data)
    return content


def named(name: str) -> Schema:
    """The definition of that full name (io.k8s.api.core.v1.Pod)."""
    schema: Schema = _file()["definitions"][name]
    return schema


@cache
def definition_name(resource: Resource) -> str | None:
    """The full name of a resource's definition; None for a kind that has none.

    A version that Kubernetes no longer has a definition for is held to that of the stored one.
    """
    parts = (resource.group, resource.version, resource.kind)
    name = _file()["kinds"].get("/".join(part for part in parts if part))
    newer = resource.stored
    if name is None and newer is not None and newer.group == resource.group:
        return definition_name(newer)
    return name


def definition_of(resource: Resource) -> Schema | None:
    """The definition of a resource's kind, or None: nothing is then known of its fields."""
    name = definition_name(resource)
    return None if name is None else named(name)


def fields_beside(resource: Resource, path: Sequence[str | int]) -> list[str]:
    """The fields that a kind has where the last step of this path is; none if that is not known."""
    schema = resolve(definition_of(resource) or {})
    for step in path[:-1]:
        below = schema.get("properties", {}).get(step) or schema.get("additionalProperties")
        schema = resolve(schema.get("items", {}) if isinstance(step, int) else below or {})
    return list(schema.get("properties", {}))


def resolve(schema: Schema) -> Schema:
    """The definition that a schema refers to in the end, or the schema itself."""
    reference = schema.get("$ref")
    return schema if reference is None else resolve(named(reference[_PREFIX:]))


def reachable(name: str) -> dict[str, Schema]:
    """A definition and all that it leads to, by name."""
    found: dict[str, Schema] = {}
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found[one] = named(one)
            waiting.extend(references(found[one]))
    return found


def references(schema: Schema) -> list[str]:
    """The names of the definitions that a schema leads to in one step."""
    inner = list(schema.get("properties", {}).values())
    inner += [schema[key] for key in ("items", "additionalProperties") if key in schema]
    names = [schema["$ref"][_PREFIX:]] if "$ref" in schema else []
    return names + [name for one in inner for name in references(one)]
