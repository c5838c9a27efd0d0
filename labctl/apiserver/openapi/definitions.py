"""The definitions that a document needs: Kubernetes' own, and those of kinds that users define."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from labctl.api.resource import Resource
from labctl.api.schema.definitions import Schema
from labctl.api.schema.published import read_published
from labctl.apiserver.openapi.operations import GroupVersionKind, paths

SchemaOf = Callable[[Resource], Schema | None]
"""The structural schema of a resource that is not Kubernetes' own; None for one that is."""

_META = "io.k8s.apimachinery.pkg.apis.meta.v1"
_UNIVERSAL = {kind: f"{_META}.{kind}" for kind in ("Status", "DeleteOptions", "Patch")}


class Definitions:
    """All that some resources' bodies are made of, by name."""

    def __init__(self, resources: Sequence[Resource], schema_of: SchemaOf) -> None:
        self._published = read_published()
        self._custom: dict[str, Schema] = {}
        for resource in resources:
            schema = schema_of(resource)
            if schema is not None:
                self._custom |= _custom_definitions(resource, schema)
        self._of_kind: dict[GroupVersionKind, str | None] = {}
        self._resources = resources

    def name(self, kind: GroupVersionKind) -> str | None:
        """The name of a kind's definition; None for a kind of which nothing is known."""
        if kind not in self._of_kind:
            self._of_kind[kind] = self._find(kind)
        return self._of_kind[kind]

    def is_custom(self, resource: Resource) -> bool:
        """Whether users defined a resource's kind."""
        return custom_name((resource.group, resource.version, resource.kind)) in self._custom

    def _find(self, kind: GroupVersionKind) -> str | None:
        group, version, word = kind
        if not group and word in _UNIVERSAL:
            return _UNIVERSAL[word]
        custom = custom_name(kind)
        return custom if custom in self._custom else self._published.name(group, version, word)

    def schemas(self) -> Iterator[tuple[str, Schema]]:
        """The definitions of all the kinds, with what they lead to, by name.

        One after the other: all of them at once are several megabytes of small objects.
        """
        kinds = {kind for resource in self._resources for kind in _kinds(resource)}
        wanted = {name for name in map(self.name, kinds) if name is not None}
        custom = wanted & self._custom.keys()
        metadata = {f"{_META}.ObjectMeta", f"{_META}.ListMeta"} if custom else set()
        for name in sorted(custom | self._published.reachable(wanted | metadata)):
            yield name, self._custom[name] if name in custom else self._published.schema(name)


def custom_name(kind: GroupVersionKind) -> str:
    """`com.example.v1.CronTab` for the kind CronTab of example.com/v1, as kube-apiserver."""
    group, version, word = kind
    return ".".join((*reversed(group.split(".")), version, word))


def _kinds(resource: Resource) -> Iterable[GroupVersionKind]:
    for _, operations in paths(resource):
        for one in operations:
            yield from (kind for kind in (one.takes, one.gives) if kind is not None)


def _custom_definitions(resource: Resource, schema: Schema) -> dict[str, Schema]:
    """The definition of a kind from its structural schema, and that of its list."""
    kind = (resource.group, resource.version, resource.kind)
    many = (*kind[:2], f"{resource.kind}List")
    name = custom_name(kind)
    items = {"type": "array", "items": {"$ref": f"#/definitions/{name}"}}
    one: Schema = {**schema, "type": "object"}
    one["properties"] = _with_type(schema.get("properties") or {}, "ObjectMeta")
    listed: Schema = {"type": "object", "required": ["items"]}
    listed["properties"] = _with_type({"items": items}, "ListMeta")
    return {name: _of_kind(one, kind), custom_name(many): _of_kind(listed, many)}


def _with_type(properties: Schema, metadata: str) -> Schema:
    """The properties with those that every object has."""
    return {
        **properties,
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"$ref": f"#/definitions/{_META}.{metadata}"},
    }


def _of_kind(schema: Schema, kind: GroupVersionKind) -> Schema:
    return {**schema, "x-kubernetes-group-version-kind": [gvk(kind)]}


def gvk(kind: GroupVersionKind) -> dict[str, str]:
    """A kind as the extension x-kubernetes-group-version-kind names it."""
    group, version, word = kind
    return {"group": group, "kind": word, "version": version}
